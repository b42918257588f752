using Auraed.Migrations;
using Auraed.Migrations.Compiler;

namespace Auraed.Tests.Unit;

public class SchemaVersionTests
{
    private static readonly Version Last = new(2, 3, 4);
    private static readonly ColumnModel Size = new("size", 2, Kind.UInt32);
    private static readonly ColumnModel Note = new("note", 3, Kind.String);

    [Fact]
    public void An_added_column_or_table_is_minor()
    {
        Assert.Equal(new Version(2, 4, 0), SchemaChange.Next(Last, Of(Table("a", Size)), Of(Table("a", Size, Note))));
        Assert.Equal(new Version(2, 4, 0), SchemaChange.Next(Last, Of(Table("a", Size)), Of(Table("a", Size), Table("b"))));
    }

    [Fact]
    public void What_is_gone_or_holds_less_is_major()
    {
        Assert.Equal(new Version(3, 0, 0), SchemaChange.Next(Last, Of(Table("a", Size, Note)), Of(Table("a", Note))));
        Assert.Equal(new Version(3, 0, 0), SchemaChange.Next(Last, Of(Table("a"), Table("b")), Of(Table("a"))));
        Assert.Equal(new Version(3, 0, 0), SchemaChange.Next(Last, Of(Table("a", Note)), Of(Table("a", Note with { IsUnique = true }))));
        Assert.Equal(new Version(3, 0, 0), SchemaChange.Next(Last, Of(Table("a", Note)), Of(Table("a", Note with { IsImmutable = true }))));
    }

    [Fact]
    public void An_index_alone_is_a_patch() =>
        Assert.Equal(new Version(2, 3, 5), SchemaChange.Next(Last, Of(Table("a", Note)), Of(Table("a", Note with { IsIndexed = true, IsFullText = true }))));

    private static SchemaModel Of(params TableModel[] tables) => new(tables);

    private static TableModel Table(string name, params ColumnModel[] columns) => new(name, "test." + name, new ColumnModel("id", 1, Kind.String), columns, []);
}

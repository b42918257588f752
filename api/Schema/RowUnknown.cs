using Google.Protobuf;

namespace Aurae.Schema;

/// <summary>
/// Fields of a newer peer that this build has no name for. A row keeps them as wire bytes in <c>unknown_fields</c> (NULL for none), and a message inside JSON
/// keeps its own as base64 under <see cref="JsonName"/>. They are merged back on reading: a build that knows the field by then finds it set.
/// </summary>
public static class RowUnknown
{
    /// <summary>No field of a message can be named so.</summary>
    public const string JsonName = "@unknown";

    public static void Bind(IColumnWriter writer, int index, UnknownFieldSet? fields)
    {
        if (fields is null)
        {
            writer.Null(index);
        }
        else
        {
            writer.Blob(index, Serialize(fields));
        }
    }

    public static void Merge(IMessage message, IColumnReader reader, int index)
    {
        if (!reader.IsNull(index))
        {
            message.MergeFrom(reader.Blob(index).ToArray());
        }
    }

    internal static byte[] Serialize(UnknownFieldSet fields)
    {
        var bytes = new byte[fields.CalculateSize()];
        var output = new CodedOutputStream(bytes);
        fields.WriteTo(output);
        output.Flush();
        return bytes;
    }
}

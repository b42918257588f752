namespace Aurae.Schema;

/// <summary>A field's value cannot be stored: text with a NUL or that is no Unicode, a time out of range. The caller's input is at fault.</summary>
public sealed class FieldValueException(string field, string message) : Exception(message)
{
    /// <summary>The field's path within the record: <c>root_drive.image_path</c>.</summary>
    public string Field { get; } = field;
}

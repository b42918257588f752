using Aurae.Schema;
using Auraed.Base;
using Auraed.Store.Records;
using Google.Protobuf;

namespace Auraed.Domain.Records;

/// <summary>Which parts of a record an update writes or an answer shows. Parsed against a type: a path that the type has not is refused, even with no record there.</summary>
public sealed class RecordMask
{
    private readonly List<string[]> _body = [];
    private readonly HashSet<string> _labels = new(StringComparer.Ordinal);
    private readonly HashSet<string> _own = new(StringComparer.Ordinal);
    private readonly string _field;
    private bool _isAll;
    private bool _isBodyWhole;
    private bool _isLabelsWhole;

    private RecordMask(string field) => _field = field;

    /// <summary>Writes or shows everything.</summary>
    public bool IsAll => _isAll;

    /// <summary>Null when there is no mask.</summary>
    /// <param name="isUpdate">The daemon's own fields and the key cannot be written; body paths may stand without "body.".</param>
    public static RecordMask? Parse(IEnumerable<string>? paths, RecordTable table, string field, bool isUpdate)
    {
        if (paths is null)
        {
            return null;
        }

        var mask = new RecordMask(field);
        int count = 0;
        foreach (string path in paths)
        {
            if (++count > Limits.FieldMaskPathsMax)
            {
                throw Fault.Invalid(field, $"{field} has more than {Limits.FieldMaskPathsMax} paths");
            }

            mask.Add(path, table, isUpdate);
        }

        return count == 0 ? null : mask;
    }

    public bool Shows(string own) => _isAll || _own.Contains(own);

    public bool ShowsBody => _isAll || _isBodyWhole || _body.Count > 0;

    /// <summary>The labels after an update, or those that an answer shows.</summary>
    public IReadOnlyDictionary<string, string> Labels(IReadOnlyDictionary<string, string> source, IReadOnlyDictionary<string, string> target)
    {
        if (_isAll || _isLabelsWhole)
        {
            return source;
        }

        if (_labels.Count == 0)
        {
            return target;
        }

        var labels = target.ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal);
        foreach (string key in _labels)
        {
            if (source.TryGetValue(key, out string? value))
            {
                labels[key] = value;
            }
            else
            {
                labels.Remove(key);
            }
        }

        return labels;
    }

    /// <summary>The target with the masked fields of the source; neither is changed.</summary>
    public IMessage Body(IMessage source, IMessage target)
    {
        if (_isAll || _isBodyWhole)
        {
            return source;
        }

        // Field values are moved between messages: the copies share nothing with their originals.
        IMessage result = Clone(target);
        IMessage given = Clone(source);
        foreach (string[] path in _body)
        {
            FieldPaths.Copy(given, result, path, _field);
        }

        return result;
    }

    internal static IMessage Clone(IMessage message) => message.Descriptor.Parser.ParseFrom(message.ToByteString());

    private void Add(string path, RecordTable table, bool isUpdate)
    {
        string[] parts = path.Split('.');
        if (parts.Contains(string.Empty) || parts.Length > Limits.FieldPathSegmentsMax)
        {
            throw Fault.Invalid(_field, $"{_field}: '{Shown(path)}' is not a path");
        }

        switch (parts)
        {
            case ["*"]:
                _isAll = true;
                return;
            case ["labels"]:
                _isLabelsWhole = true;
                return;
            case ["labels", ..]:
                _labels.Add(RecordNames.LabelKey(path["labels.".Length..], _field));
                return;
            case ["tenant" or "type" or "name" or "revision" or "create_time" or "update_time" or "included"] when !BodyPath.IsField(table, parts[0]) || !isUpdate:
                _ = isUpdate ? throw Fault.Invalid(_field, $"{_field}: '{path}' is set by the daemon") : _own.Add(parts[0]);
                return;
            case ["body"] when !BodyPath.IsField(table, "body") || !isUpdate:
                _isBodyWhole = true;
                return;
            default:
                AddBody(BodyPath.Strip(table, parts), path, table, isUpdate);
                return;
        }
    }

    private void AddBody(string[] parts, string path, RecordTable table, bool isUpdate)
    {
        if (parts is [var only] && only == table.Key.Name)
        {
            _ = isUpdate ? throw Fault.Invalid(_field, $"{_field}: '{path}' is the record's name and cannot be changed") : true;
        }

        // Copying between two empty messages walks the path, and says what the type has not.
        FieldPaths.Copy(table.New(), table.New(), parts, _field);
        _body.Add(parts);
    }

    private static string Shown(string path) => path.Length <= 128 ? path : string.Concat(path.AsSpan(0, 125), "...");
}

using System.Buffers;
using System.Text.Json;
using Aurae.Events.V0;
using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.EventLog;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Domain.Events;

/// <summary>From an application's events in a request to drafts that cannot be wrong; a fault names the field.</summary>
internal static class ApplicationEventRequests
{
    private static readonly SearchValues<char> NameCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789_-");

    public static IReadOnlyList<EventDraft> Parse(AppendEventsRequest request)
    {
        if (request.Events.Count is 0 or > Limits.AppendEventsCountMax)
        {
            throw Fault.Invalid("events", $"events has {request.Events.Count} entries, 1 to {Limits.AppendEventsCountMax} may be appended at a time");
        }

        return [.. request.Events.Select((added, index) => Parse(added, $"events[{index}]"))];
    }

    public static EventDraft Parse(NewEvent added, string field)
    {
        byte[] payload = Payload(added, field).ToByteArray();
        if (payload.Length > Limits.EventPayloadBytesMax)
        {
            throw Fault.Invalid(field + ".payload", $"{field}: the payload has {payload.Length} bytes, at most {Limits.EventPayloadBytesMax}");
        }

        return new EventDraft(
            Kind(added.Kind, field + ".kind"),
            RecordNames.Name(added.Subject, field + ".subject"),
            payload,
            added.HasExpectedSequence ? EventRequests.Sequence(added.ExpectedSequence, field + ".expected_sequence", 0) : null);
    }

    private static string Kind(string kind, string field)
    {
        string[] names = ApplicationEvents.IsKind(kind) && kind.Length <= Limits.EventKindCharactersMax ? kind[ApplicationEvents.Beginning.Length..].Split('.') : [];
        return names.Length is > 0 and <= Limits.EventKindNamesMax && names.All(IsName)
            ? kind
            : throw Fault.Invalid(
                field,
                $"{field} is no kind of an application: '{ApplicationEvents.Beginning}' and one to {Limits.EventKindNamesMax} names of a-z, 0-9, '_' and '-', each beginning with a letter, "
                + $"with dots between; at most {Limits.EventKindCharactersMax} characters",
                "write app.orders.placed");
    }

    private static bool IsName(string name) => name.Length > 0 && char.IsAsciiLetterLower(name[0]) && !name.AsSpan().ContainsAnyExcept(NameCharacters);

    private static Any Payload(NewEvent added, string field) => added.PayloadCase switch
    {
        NewEvent.PayloadOneofCase.None => new Any(),
        NewEvent.PayloadOneofCase.Message => Message(added.Message, field + ".message"),
        NewEvent.PayloadOneofCase.Json => Any.Pack(Json(added.Json, field + ".json")),
        NewEvent.PayloadOneofCase.Bytes => Any.Pack(new BytesValue { Value = added.Bytes }),
        _ => throw Fault.Invalid(field + ".payload", $"{field}: the payload is of no known shape"),
    };

    private static Any Message(Any message, string field)
    {
        string type = Any.GetTypeName(message.TypeUrl) ?? string.Empty;
        return type.Length > 0 && message.TypeUrl.Length <= Limits.RecordNameBytesMax && !message.TypeUrl.Any(char.IsControl)
            ? new Any { TypeUrl = message.TypeUrl, Value = message.Value }
            : throw Fault.Invalid(field + ".type_url", $"{field}.type_url names no type: as 'type.googleapis.com/' and the message's full name, at most {Limits.RecordNameBytesMax} characters");
    }

    private static Value Json(string json, string field)
    {
        try
        {
            Value value = Value.Parser.ParseJson(json);
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = Limits.EventPayloadDepthMax });
            JsonNumbers.RequireExact(document.RootElement, string.Empty, field);
            return value;
        }
        catch (Exception failure) when (failure is InvalidProtocolBufferException or InvalidJsonException or JsonException)
        {
            throw new Fault(FaultKind.Invalid, $"{field} is not JSON: {failure.Message}", field, cause: failure);
        }
    }
}

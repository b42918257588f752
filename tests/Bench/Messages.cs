using System.Globalization;

namespace Auraed.Bench;

/// <summary>What is sent to each store: a value of 256 bytes under a name, and the question for one.</summary>
internal static class Messages
{
    public const int ValueBytes = 256;

    /// <summary>As long as a random name, and the same for each call; in hexadecimal, as it goes into a template.</summary>
    public static readonly string OneName = Convert.ToHexStringLower(System.Text.Encoding.ASCII.GetBytes(new string('0', RandomNameBytes)));

    /// <summary>32 hexadecimal digits derived from the call's number: for the store they come in random order.</summary>
    public const string RandomName = "{name}";

    private const int RandomNameBytes = 32;
    private const string MachineType = "aurae.vms.v0.VirtualMachine";

    public const string CreatePath = "/aurae.records.v0.RecordService/Create";
    public const string GetPath = "/aurae.records.v0.RecordService/Get";
    public const string PutPath = "/etcdserverpb.KV/Put";
    public const string RangePath = "/etcdserverpb.KV/Range";

    /// <summary>A CreateRecordRequest with a VirtualMachine of 256 encoded bytes; without a name the daemon makes a time-ordered one.</summary>
    public static string Create(bool isNamed)
    {
        var machine = new Template();
        if (isNamed)
        {
            machine.Part(1, RandomName, RandomNameBytes);
        }

        machine.Number(2, 512).Number(3, 2);
        // Field number and length take three bytes once the text is longer than 127.
        var rest = ValueBytes - machine.Length - 3;
        machine.Part(4, string.Create(CultureInfo.InvariantCulture, $"{{text:{rest}}}"), rest);
        return new Template().Message(2, new Template().Message(8, new Template().Text(1, "type.googleapis.com/" + MachineType).Message(2, machine))).ToString();
    }

    /// <summary>A GetRecordRequest for one of the first <paramref name="count"/> random names.</summary>
    public static string Get(long count) => new Template().Text(2, MachineType).Part(3, Picked(count), RandomNameBytes).ToString();

    public static string Put() => new Template().Part(1, RandomName, RandomNameBytes).Part(2, "{text:256}", ValueBytes).ToString();

    /// <summary>A RangeRequest for one key, serializable: answered from the member's own state without asking a quorum.</summary>
    public static string Range(long count) => new Template().Part(1, Picked(count), RandomNameBytes).Number(7, 1).ToString();

    private static string Picked(long count) => string.Create(CultureInfo.InvariantCulture, $"{{name:{count}}}");

    public const string AppendPath = "/aurae.events.v0.EventService/Append";
    public const string WatchPath = "/aurae.events.v0.EventService/Watch";
    public const string EtcdWatchPath = "/etcdserverpb.Watch/Watch";

    /// <summary>What a watch finds again: when the call was sent.</summary>
    private const string Mark = "{clock}";

    private const int MarkBytes = 20;

    /// <summary>As <see cref="Create"/> without a name, with a mark.</summary>
    public static string CreateMarked()
    {
        var machine = new Template().Part(4, Mark + Filler(MarkBytes), ValueBytes);
        return new Template().Message(2, new Template().Message(8, new Template().Text(1, "type.googleapis.com/" + MachineType).Message(2, machine))).ToString();
    }

    /// <summary>
    /// An AppendEventsRequest of so many events of 256 bytes, all about one subject; the first has the mark. By default the subject is new with each call, as
    /// random names are: the most that the heads of the streams can cost.
    /// </summary>
    public static string AppendMarked(int events = 1, string subject = RandomName)
    {
        var request = new Template();
        for (var number = 0; number < events; number++)
        {
            var payload = number == 0 ? Mark + Filler(MarkBytes) : Filler(0);
            request.Message(2, new Template().Text(1, "app.bench.put").Part(2, subject, RandomNameBytes).Part(5, payload, ValueBytes));
        }

        return request.ToString();
    }

    public static string PutMarked() => new Template().Part(1, RandomName, RandomNameBytes).Part(2, Mark + Filler(MarkBytes), ValueBytes).ToString();

    /// <summary>A WatchRequest that creates a watch of every key.</summary>
    public static string EtcdWatch() => new Template().Message(1, new Template().Text(1, "\0").Text(2, "\0")).ToString();

    private static string Filler(int taken) => string.Create(CultureInfo.InvariantCulture, $"{{text:{ValueBytes - taken}}}");
}

using System.Globalization;

namespace Auraed.Bench;

/// <summary>What is sent to each store: a value of 256 bytes under a name, and the question for one.</summary>
internal static class Messages
{
    public const int ValueBytes = 256;

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
}

using Aurae.Documents.V0;
using Aurae.Records.V0;
using Auraed.Tests.Support;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Record = Aurae.Records.V0.Record;

namespace Auraed.Tests.Contract.Records;

public class RecordCommits
{
    [Fact]
    public async Task Of_operations_one_of_which_fails_none_is_applied()
    {
        await using RecordServer server = await RecordServer.StartAsync();
        RpcException failure = await RecordServer.FailsAsync(StatusCode.FailedPrecondition, "operations[1].record.body.machine", () => server.Records.CommitAsync(new CommitRequest
        {
            Operations = { RecordLife.Create(RecordLife.Machine("vm-1")), RecordLife.Create(RecordLife.Nic("eth0", "vm-2")) },
        }).ResponseAsync);
        Assert.Contains("'vm-2'", failure.Status.Detail, StringComparison.Ordinal);
        Assert.Empty((await server.Records.ListAsync(new ListRecordsRequest { Type = "virtual_machine" })).Records);
        Assert.Equal(0, server.Database.Durable);
    }

    [Fact]
    public async Task A_precondition_that_does_not_hold_fails_the_commit_or_takes_the_other_branch()
    {
        await using RecordServer server = await RecordServer.StartAsync();
        Record made = await server.CreateAsync(RecordLife.Machine("vm-1", 512), "", ("tier", "web"));
        foreach ((Precondition condition, bool holds) in new (Precondition, bool)[]
                 {
                     (On(condition => condition.Exists = true), true),
                     (On(condition => condition.Exists = false), false),
                     (On(condition => condition.Revision = made.Revision), true),
                     (On(condition => condition.Revision = made.Revision + 1), false),
                     (Field("mem_size_mb", FieldComparison.Types.Operator.Equal, value => value.IntegerValue = 512), true),
                     (Field("mem_size_mb", FieldComparison.Types.Operator.NotEqual, value => value.IntegerValue = 512), false),
                     (Field("body.mem_size_mb", FieldComparison.Types.Operator.Less, value => value.IntegerValue = 513), true),
                     (Field("mem_size_mb", FieldComparison.Types.Operator.LessOrEqual, value => value.IntegerValue = 511), false),
                     (Field("mem_size_mb", FieldComparison.Types.Operator.Greater, value => value.IntegerValue = 512), false),
                     (Field("mem_size_mb", FieldComparison.Types.Operator.GreaterOrEqual, value => value.IntegerValue = 512), true),
                     (Field("labels.tier", FieldComparison.Types.Operator.Equal, value => value.StringValue = "web"), true),
                     (Field("root_drive.read_only", FieldComparison.Types.Operator.Equal, value => value.BoolValue = true), true),
                     (Field("update_time", FieldComparison.Types.Operator.Equal, value => value.TimeValue = made.UpdateTime), true),
                     (On(condition => condition.Filter = "mem_size_mb = 512 AND labels:tier"), true),
                     (On(condition => condition.Filter = "mem_size_mb = 512 AND labels:other"), false),
                 })
        {
            var request = new CommitRequest { Preconditions = { condition }, Operations = { Get("vm-1") } };
            if (holds)
            {
                Assert.True((await server.Records.CommitAsync(request)).Succeeded);
                continue;
            }

            await RecordServer.FailsAsync(StatusCode.FailedPrecondition, "preconditions[0]", () => server.Records.CommitAsync(request).ResponseAsync);
            request.Otherwise.Add(Get("vm-1"));
            CommitResponse other = await server.Records.CommitAsync(request);
            Assert.False(other.Succeeded);
            Assert.Equal(0, other.FailedPrecondition);
            Assert.Equal(made, Assert.Single(other.Results).Record);
            Assert.Equal(0, other.Revision);
        }
    }

    [Fact]
    public async Task A_precondition_or_sum_that_makes_no_sense_is_refused_with_its_field()
    {
        await using RecordServer server = await RecordServer.StartAsync();
        await server.CreateAsync(RecordLife.Machine("vm-1"));
        Task Try(string field, Precondition? condition, Operation? operation = null) => RecordServer.FailsAsync(StatusCode.InvalidArgument, field, () => server.Records.CommitAsync(new CommitRequest
        {
            Preconditions = { condition is null ? [] : [condition] },
            Operations = { operation ?? Get("vm-1") },
        }).ResponseAsync);
        await Try("preconditions[0]", On(_ => { }));
        await Try("preconditions[0].field", Field("nothing", FieldComparison.Types.Operator.Equal, value => value.IntegerValue = 1));
        await Try("preconditions[0].field", Field("mem_size_mb", FieldComparison.Types.Operator.Equal, value => value.StringValue = "x"));
        await Try("preconditions[0].field.operator", Field("mem_size_mb", 0, value => value.IntegerValue = 1));
        await Try("preconditions[0].filter", On(condition => condition.Filter = "("));
        await Try("preconditions[0].type", new Precondition { Type = "nothing", Name = "x", Exists = true });
        await Try("operations[0].path", null, Add("vm-1", "kernel_img_path", 1));
        await Try("operations[0].path", null, Add("vm-1", "nothing", 1));
        await Try("operations[0].amount", null, new Operation { Add = new AddOperation { Type = "virtual_machine", Name = "vm-1", Path = "mem_size_mb" } });
        await Try("operations[0].operation", null, new Operation());
        await RecordServer.FailsAsync(StatusCode.FailedPrecondition, "operations[0].path", () => server.Records.CommitAsync(new CommitRequest { Operations = { Add("vm-1", "mem_size_mb", -513) } }).ResponseAsync);
        CommitResponse sum = await server.Records.CommitAsync(new CommitRequest { Operations = { Add("vm-1", "mem_size_mb", -512), Add("vm-1", "body.mem_size_mb", 5) } });
        Assert.Equal(5u, sum.Results[1].Record.Body.Unpack<Aurae.Vms.V0.VirtualMachine>().MemSizeMb);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Money_moved_under_contention_is_conserved_and_never_below_zero(bool withSums)
    {
        const int Accounts = 4;
        const int Each = 100;
        const int Movers = 64;
        await using RecordServer server = await RecordServer.StartAsync();
        for (int account = 0; account < Accounts; account++)
        {
            await server.CreateAsync(new Document { Id = $"account-{account}", Body = new Struct { Fields = { ["balance"] = Value.ForNumber(Each) } } });
        }

        int moved = 0, refused = 0;
        await Task.WhenAll(Enumerable.Range(0, Movers).Select(async mover =>
        {
            var random = new Random(mover);
            for (int round = 0; round < 10; round++)
            {
                int from = random.Next(Accounts);
                int to = (from + 1 + random.Next(Accounts - 1)) % Accounts;
                int amount = random.Next(1, 90);
                try
                {
                    await (withSums ? MoveAsync(server, from, to, amount) : SwapAsync(server, from, to, amount));
                    Interlocked.Increment(ref moved);
                }
                catch (RpcException failure) when (failure.StatusCode is StatusCode.FailedPrecondition)
                {
                    Interlocked.Increment(ref refused);
                }
            }
        }));

        double[] balances = (await server.Records.ListAsync(new ListRecordsRequest { Type = "document" })).Records.Select(record => Balance(record)).ToArray();
        Assert.Equal(Accounts * Each, balances.Sum());
        Assert.All(balances, balance => Assert.True(balance >= 0));
        Assert.True(moved > 0 && refused > 0, $"{moved} moved, {refused} refused");
    }

    /// <summary>One commit: the balance must suffice, then both sums.</summary>
    private static Task MoveAsync(RecordServer server, int from, int to, int amount) => server.Records.CommitAsync(new CommitRequest
    {
        Preconditions =
        {
            new Precondition
            {
                Type = "document",
                Name = $"account-{from}",
                Field = new FieldComparison { Path = "body.balance", Operator = FieldComparison.Types.Operator.GreaterOrEqual, IntegerValue = amount },
            },
        },
        Operations =
        {
            new Operation { Add = new AddOperation { Type = "document", Name = $"account-{from}", Path = "body.balance", Amount = new Number { Integer = -amount }, Minimum = new Number { Integer = 0 } } },
            new Operation { Add = new AddOperation { Type = "document", Name = $"account-{to}", Path = "body.balance", Amount = new Number { Integer = amount } } },
        },
    }).ResponseAsync;

    /// <summary>Read both, write both at the revisions read; again when another was faster.</summary>
    private static async Task SwapAsync(RecordServer server, int from, int to, int amount)
    {
        while (true)
        {
            BatchGetRecordsResponse both = await server.Records.BatchGetAsync(new BatchGetRecordsRequest { Keys = { Key(from), Key(to) } });
            double source = Balance(both.Records[0]) - amount;
            if (source < 0)
            {
                throw new RpcException(new Status(StatusCode.FailedPrecondition, "too little"));
            }

            try
            {
                await server.Records.CommitAsync(new CommitRequest { Operations = { Set(both.Records[0], source), Set(both.Records[1], Balance(both.Records[1]) + amount) } });
                return;
            }
            catch (RpcException failure) when (failure.StatusCode == StatusCode.Aborted)
            {
                // Another was faster: read again.
            }
        }

        static RecordKey Key(int account) => new() { Type = "document", Name = $"account-{account}" };
        static Operation Set(Record record, double balance) => new()
        {
            Update = new UpdateOperation
            {
                Record = new Record
                {
                    Revision = record.Revision,
                    Body = Any.Pack(new Document { Id = record.Name, Body = new Struct { Fields = { ["balance"] = Value.ForNumber(balance) } } }),
                },
                UpdateMask = new FieldMask { Paths = { "body.balance" } },
            },
        };
    }

    private static double Balance(Record record) => record.Body.Unpack<Document>().Body.Fields["balance"].NumberValue;

    private static Operation Get(string name) => new() { Get = new RecordKey { Type = "virtual_machine", Name = name } };

    private static Operation Add(string name, string path, long amount) =>
        new() { Add = new AddOperation { Type = "virtual_machine", Name = name, Path = path, Amount = new Number { Integer = amount } } };

    private static Precondition On(Action<Precondition> set)
    {
        var condition = new Precondition { Type = "virtual_machine", Name = "vm-1" };
        set(condition);
        return condition;
    }

    private static Precondition Field(string path, FieldComparison.Types.Operator op, Action<FieldComparison> set)
    {
        var comparison = new FieldComparison { Path = path, Operator = op };
        set(comparison);
        return On(condition => condition.Field = comparison);
    }
}

using Auraed.Base;
using Auraed.Tests.Support;
using Auraed.Tests.Unit.Query;

namespace Auraed.Tests.Fuzz;

/// <summary>
/// Random statements that try what grammar allows. The property is that of non-interference: what another tenant has in the file changes no
/// answer, not even a count, and no statement changes the file. <c>SEED=</c> repeats a run.
/// </summary>
public class QueryFuzz
{
    private const int Statements = 5000;

    [Fact]
    public async Task Another_tenants_rows_change_no_answer_and_no_statement_writes()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("SEED"), out var given) ? given : Environment.TickCount;
        var random = new Random(seed);
        await using var fixture = new QueryFixture(stepsMax: 3_000_000);
        await fixture.Database.WriteAsync(
            unit =>
            {
                for (var number = 0; number < 4; number++)
                {
                    QueryFixture.AddMachine(unit, "ours", $"m{number}", number, $"kernel console {number}");
                }

                return 0;
            },
            default);
        var statements = Enumerable.Range(0, Statements).Select(_ => new QueryGrammar(random).Statement()).ToArray();
        var alone = await AnswersAsync(fixture, statements, seed);
        await fixture.FillAsync(0);
        await fixture.Database.WriteAsync(
            unit =>
            {
                for (var number = 0; number < 5; number++)
                {
                    QueryFixture.AddMachine(unit, "theirs", $"{QueryFixture.Mark}{number}", number, $"kernel {QueryFixture.Mark} console");
                }

                return 0;
            },
            default);
        var before = await QueryHostileTests.ContentAsync(fixture.Database);
        var beside = await AnswersAsync(fixture, statements, seed);
        Assert.Equal(before, await QueryHostileTests.ContentAsync(fixture.Database));
        for (var index = 0; index < statements.Length; index++)
        {
            Assert.DoesNotContain(QueryFixture.Mark, beside[index], StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain(QueryFixture.SecretMark, beside[index], StringComparison.OrdinalIgnoreCase);
            if (alone[index] != beside[index] && !IsLong(alone[index]) && !IsLong(beside[index]))
            {
                Assert.Fail($"SEED={seed}: {statements[index]}\nalone: {alone[index]}\nbeside another tenant: {beside[index]}");
            }
        }

        var answered = beside.Count(answer => answer.StartsWith("rows", StringComparison.Ordinal));
        var denied = beside.Count(answer => answer == nameof(FaultKind.Denied));
        Assert.True(answered > Statements / 10 && denied > Statements / 20, $"SEED={seed}: {answered} answered, {denied} denied of {Statements}");
    }

    // The event log is looked through whole, so a statement near the bound on steps may pass it or not.
    private static bool IsLong(string answer) => answer is nameof(FaultKind.Exhausted) or nameof(FaultKind.DeadlineExceeded);

    private static async Task<string[]> AnswersAsync(QueryFixture fixture, string[] statements, int seed)
    {
        var answers = new string[statements.Length];
        for (var index = 0; index < statements.Length; index++)
        {
            try
            {
                var result = await fixture.RunAsync(QueryFixture.Command(statements[index]));
                answers[index] = "rows\n" + string.Join('\n', result.Lines);
            }
            catch (Fault fault)
            {
                Assert.True(
                    fault.Kind is FaultKind.Invalid or FaultKind.Denied or FaultKind.OutOfRange or FaultKind.Exhausted or FaultKind.DeadlineExceeded,
                    $"SEED={seed}: {fault.Kind} {fault.Message}\n{statements[index]}");
                answers[index] = fault.Kind.ToString();
            }
        }

        return answers;
    }
}

namespace Auraed.Tests.Support;

/// <summary>Tests that measure the process or fill it: they run after all others, one at a time.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "Alone";
}

using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Auraed.Base;

/// <summary>
/// Checks that only our own bug can fail. On in Release; never caught below Host: the process ends and the service manager starts it again.
/// </summary>
public static class Invariant
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Hold([DoesNotReturnIf(false)] bool condition, [CallerArgumentExpression(nameof(condition))] string? what = null)
    {
        if (!condition)
        {
            Fail(what);
        }
    }

    [DoesNotReturn]
    private static void Fail(string? what) => throw new InvariantException($"invariant does not hold: {what}");
}

/// <summary>A bug of ours; see <see cref="Invariant"/>.</summary>
public sealed class InvariantException(string message) : Exception(message);

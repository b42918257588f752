using Auraed.Base;
using Grpc.Core;

namespace Auraed.Rpc;

/// <summary>
/// A caller's requests. That the caller has gone is Fault(Cancelled) here: the transport tells it to a read that waits as IOException, before the call's token is
/// cancelled, and nothing that a handler reads of its own must be taken for that.
/// </summary>
internal sealed class CallerStream<T>(IAsyncStreamReader<T> requests) : IAsyncStreamReader<T>
{
    public T Current => requests.Current;

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        try
        {
            return await requests.MoveNext(cancellationToken).ConfigureAwait(false);
        }
        catch (IOException cut)
        {
            throw new Fault(FaultKind.Cancelled, "the caller has gone", cause: cut);
        }
    }
}

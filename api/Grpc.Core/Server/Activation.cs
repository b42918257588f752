using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>Where the instance that serves a call comes from: one for the process, one from the request's scope, or one made for the call.</summary>
internal sealed class Activation<T> where T : class
{
    private readonly Func<IServiceProvider, T> _make;
    private readonly bool _made;
    private readonly IServiceProvider _root;
    private T? _shared;

    public Activation(
        IServiceProvider root, [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] Type type, params object[] arguments)
    {
        var lifetime = root.GetRequiredService<ServiceLifetimes>().Of(type);
        _root = root;
        _made = lifetime is null || arguments.Length > 0;
        IsShared = !_made && lifetime == ServiceLifetime.Singleton;
        _make = _made
            ? services => (T)ActivatorUtilities.CreateInstance(services, type, arguments)
            : services => (T)services.GetRequiredService(type);
    }

    public bool IsShared { get; }

    /// <summary>The process's one instance.</summary>
    public T Shared => _shared ??= _make(_root);

    /// <summary>Runs a call on an instance of its own, and disposes it when it was made here.</summary>
    public async Task<TResult> UseAsync<TResult>(HttpContext http, Func<T, Task<TResult>> call)
    {
        var instance = _make(http.RequestServices);
        try
        {
            return await call(instance).ConfigureAwait(false);
        }
        finally
        {
            if (_made && instance is IAsyncDisposable asynchronous)
                await asynchronous.DisposeAsync().ConfigureAwait(false);
            else if (_made && instance is IDisposable disposable)
                disposable.Dispose();
        }
    }

    /// <summary>As the other, for a call whose result is its stream.</summary>
    public Task UseAsync(HttpContext http, Func<T, Task> call) => UseAsync(http, async instance =>
    {
        await call(instance).ConfigureAwait(false);
        return true;
    });
}

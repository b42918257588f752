using System.Collections.Frozen;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Auraed.Host;

/// <summary>
/// Brings a call to its method by one look into a table. A gRPC path has nothing to match in it, and the general way (matcher, two middlewares, their features)
/// costs a tenth of a whole call. What is not in the table goes that way.
/// </summary>
internal sealed class DirectRoutes(IServiceProvider services) : IStartupFilter
{
    private FrozenDictionary<string, RequestDelegate>? _table;

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use(general => http => http.Request.Path.Value is { } path && Table.TryGetValue(path, out var method) ? method(http) : general(http));
        next(app);
    };

    /// <summary>Made by the first request: the endpoints are all mapped by then.</summary>
    private FrozenDictionary<string, RequestDelegate> Table => _table ??= services.GetRequiredService<EndpointDataSource>().Endpoints
        .OfType<RouteEndpoint>()
        .Where(endpoint => endpoint.RoutePattern.Parameters.Count == 0 && endpoint.RequestDelegate is not null)
        .ToFrozenDictionary(endpoint => "/" + endpoint.RoutePattern.RawText!.TrimStart('/'), endpoint => endpoint.RequestDelegate!);
}

using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>Turns a service's methods into endpoints. The generated bind method lists them; each handler is a delegate made once, here.</summary>
internal static class ServiceMapper<[DynamicallyAccessedMembers(GrpcEndpointRouteBuilderExtensions.Needed)] TService> where TService : class
{
    public static List<IEndpointConventionBuilder> Map(IEndpointRouteBuilder routes)
    {
        var services = routes.ServiceProvider;
        var general = services.GetRequiredService<IOptions<GrpcServiceOptions>>().Value;
        var own = services.GetRequiredService<IOptions<GrpcServiceOptions<TService>>>().Value;
        var log = services.GetRequiredService<ILoggerFactory>().CreateLogger("Grpc.AspNetCore.Server.ServerCallHandler");
        var options = new ServerMethodOptions(general, own, services.GetService<TimeProvider>() ?? TimeProvider.System, log);
        var interceptors = general.Interceptors.Concat(own.Interceptors)
            .Select(registration => new InterceptorStep(new Activation<Core.Interceptors.Interceptor>(services, registration.Type, registration.ArgumentList)))
            .ToArray();
        var binder = new MethodBinder<TService>(routes, options, new Activation<TService>(services, typeof(TService)), interceptors);
        Bind(binder);
        MapUnknown(routes, general, binder.ServiceNames);
        return binder.Endpoints;
    }

    private static void Bind(ServiceBinderBase binder)
    {
        for (var type = typeof(TService); type is not null; type = type.BaseType)
            if (type.GetCustomAttribute<BindServiceMethodAttribute>(inherit: false) is { } attribute)
            {
                var bind = attribute.BindType.GetMethod(
                    attribute.BindMethodName, BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static, [typeof(ServiceBinderBase), type]);
                if (bind is null)
                    break;
                bind.Invoke(null, [binder, null]);
                return;
            }

        throw new InvalidOperationException($"{typeof(TService).Name} is not a generated service: no bind method was found.");
    }

    private static void MapUnknown(IEndpointRouteBuilder routes, GrpcServiceOptions general, IEnumerable<string> names)
    {
        foreach (var name in names)
            Unknown.Map(routes, $"/{name}/{{unimplementedMethod}}", "Method is unimplemented.");
        if (general.IgnoreUnknownServices != true && routes.ServiceProvider.GetRequiredService<ServiceLifetimes>().TakeUnknownRoute())
            Unknown.Map(routes, "/{unimplementedService}/{unimplementedMethod}", "Service is unimplemented.");
    }
}

/// <summary>The endpoints behind all others: a call to what is not there.</summary>
internal static class Unknown
{
    public static void Map(IEndpointRouteBuilder routes, string pattern, string detail) =>
        routes.Map(pattern, http => AnswerAsync(http, detail)).WithDisplayName("gRPC - " + detail).Add(endpoint => ((RouteEndpointBuilder)endpoint).Order = int.MaxValue);

    private static Task AnswerAsync(HttpContext http, string detail)
    {
        if (HttpRefusal.IsServed(http))
            HttpRefusal.Answer(http, StatusCode.Unimplemented, detail);
        return Task.CompletedTask;
    }
}

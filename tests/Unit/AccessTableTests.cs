using Auraed.Rpc;
using Google.Protobuf.Reflection;

namespace Auraed.Tests.Unit;

public class AccessTableTests
{
    /// <summary>Every service of the api assembly, found by its generated reflection class.</summary>
    private static IEnumerable<ServiceDescriptor> Services =>
        from type in typeof(Aurae.Discovery.V0.DiscoverRequest).Assembly.GetTypes()
        where type.Name.EndsWith("Reflection", StringComparison.Ordinal)
        let file = type.GetProperty("Descriptor")?.GetValue(null) as FileDescriptor
        where file is not null
        from service in file.Services
        select service;

    [Fact]
    public void Every_method_of_every_service_needs_a_right()
    {
        var methods = Services.SelectMany(service => service.Methods).Select(method => $"/{method.Service.FullName}/{method.Name}").ToArray();
        Assert.NotEmpty(methods);
        Assert.Empty(methods.Except(AccessTable.All.Keys));
    }

    [Fact]
    public void The_table_names_no_method_that_does_not_exist()
    {
        Assert.Empty(AccessTable.All.Keys.Except(Services.SelectMany(service => service.Methods).Select(method => $"/{method.Service.FullName}/{method.Name}")));
    }
}

using System.Diagnostics.CodeAnalysis;
using System.IO.Compression;
using Grpc.Core.Interceptors;
using Grpc.Net.Compression;

namespace Grpc.AspNetCore.Server;

/// <summary>How services are served. A null leaves the choice to the general options, or the size unlimited there.</summary>
public class GrpcServiceOptions
{
    internal const int DefaultReceiveMaxMessageSize = 4 * 1024 * 1024;

    private int? _maxReceiveMessageSize;
    private int? _maxSendMessageSize;

    /// <summary>Bytes of one message, before and after it is inflated; 4 MiB unless set, null for no limit.</summary>
    public int? MaxReceiveMessageSize
    {
        get => _maxReceiveMessageSize;
        set => (_maxReceiveMessageSize, MaxReceiveMessageSizeSet) = (value, true);
    }

    public int? MaxSendMessageSize
    {
        get => _maxSendMessageSize;
        set => (_maxSendMessageSize, MaxSendMessageSizeSet) = (value, true);
    }

    /// <summary>The message of an unexpected exception travels to the caller.</summary>
    public bool? EnableDetailedErrors { get; set; }

    /// <summary>The encoding of responses, where the caller accepts it; null sends them as they are.</summary>
    public string? ResponseCompressionAlgorithm { get; set; }

    public CompressionLevel? ResponseCompressionLevel { get; set; }
    public IList<ICompressionProvider> CompressionProviders { get; set; } = [];
    public InterceptorCollection Interceptors { get; } = [];

    /// <summary>A service that is not mapped is left to the rest of the pipeline instead of being answered UNIMPLEMENTED.</summary>
    public bool? IgnoreUnknownServices { get; set; }

    internal bool MaxReceiveMessageSizeSet { get; private set; }
    internal bool MaxSendMessageSizeSet { get; private set; }
}

/// <summary>Options of one service; what is not set comes from the general ones.</summary>
public class GrpcServiceOptions<TService> : GrpcServiceOptions where TService : class
{
}

/// <summary>One interceptor of the pipeline: taken from the container when it is registered there, otherwise made for each call.</summary>
public class InterceptorRegistration
{
    internal const DynamicallyAccessedMemberTypes Needed = DynamicallyAccessedMemberTypes.PublicConstructors;

    internal InterceptorRegistration([DynamicallyAccessedMembers(Needed)] Type type, object[] arguments)
    {
        Type = type;
        ArgumentList = arguments;
    }

    [DynamicallyAccessedMembers(Needed)]
    public Type Type { get; }

    public IReadOnlyList<object> Arguments => ArgumentList;
    internal object[] ArgumentList { get; }
}

/// <summary>Interceptors in the order they are called.</summary>
public class InterceptorCollection : System.Collections.ObjectModel.Collection<InterceptorRegistration>
{
    public void Add<[DynamicallyAccessedMembers(InterceptorRegistration.Needed)] TInterceptor>(params object[] args) where TInterceptor : Interceptor =>
        Add(typeof(TInterceptor), args);

    public void Add([DynamicallyAccessedMembers(InterceptorRegistration.Needed)] Type interceptorType, params object[] args)
    {
        if (!interceptorType.IsSubclassOf(typeof(Interceptor)))
            throw new ArgumentException($"Type must inherit from {typeof(Interceptor).FullName}.", nameof(interceptorType));
        Add(new InterceptorRegistration(interceptorType, args));
    }
}

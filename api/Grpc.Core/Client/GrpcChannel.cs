using Grpc.Core;

namespace Grpc.Net.Client;

public sealed class GrpcChannel : ChannelBase, IDisposable
{
    private GrpcChannel(Uri address) : base(address.Authority)
    {
    }

    public static GrpcChannel ForAddress(string address) => ForAddress(new Uri(address), new GrpcChannelOptions());
    public static GrpcChannel ForAddress(Uri address) => ForAddress(address, new GrpcChannelOptions());
    public static GrpcChannel ForAddress(string address, GrpcChannelOptions channelOptions) => ForAddress(new Uri(address), channelOptions);
    public static GrpcChannel ForAddress(Uri address, GrpcChannelOptions channelOptions) => new(address);

    public override CallInvoker CreateCallInvoker() => new UnimplementedCallInvoker();

    public void Dispose()
    {
    }
}

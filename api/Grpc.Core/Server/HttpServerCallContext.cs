using Microsoft.AspNetCore.Http;
namespace Grpc.AspNetCore.Server.Internal;
internal abstract class HttpServerCallContext : Grpc.Core.ServerCallContext
{
    internal abstract HttpContext HttpContext { get; }
}

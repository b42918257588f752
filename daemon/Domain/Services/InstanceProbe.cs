using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Aurae.Services.V0;
using Auraed.Base;
using Auraed.Supervise;
using Google.Protobuf;

namespace Auraed.Domain.Services;

/// <summary>Asks instances whether they are well. A probe never throws but for cancellation: whatever goes wrong is the answer.</summary>
internal sealed class InstanceProbe(InstanceLauncher launcher, TimeProvider time) : IDisposable
{
    private const int ServingStatus = 1;
    private readonly SemaphoreSlim _places = new(Limits.ProbesCountMax);

    private readonly HttpClient _client = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseProxy = false,
        // An instance that answers on a connection of before may refuse new ones.
        PooledConnectionLifetime = TimeSpan.Zero,
        UseCookies = false,
    })
    { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>Why it is not well; null when it is.</summary>
    public async Task<string?> AskAsync(Instance instance, CancellationToken cancel)
    {
        await _places.WaitAsync(cancel).ConfigureAwait(false);
        TimeSpan timeout = instance.Spec.Probe.Timeout?.ToTimeSpan() ?? Limits.ProbeTimeoutDefault;
        using var timer = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancel);
        try
        {
            return await AskOnceAsync(instance, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return $"no answer within {timeout.TotalSeconds:0.###} s";
        }
        catch (Exception failure) when (failure is HttpRequestException or SocketException or IOException or Fault or InvalidProtocolBufferException)
        {
            return (failure.InnerException as SocketException)?.Message ?? failure.Message;
        }
        finally
        {
            _places.Release();
        }
    }

    public void Dispose()
    {
        _client.Dispose();
        _places.Dispose();
    }

    private async Task<string?> AskOnceAsync(Instance instance, CancellationToken cancel)
    {
        Probe probe = instance.Spec.Probe;
        switch (probe.CheckCase)
        {
            case Probe.CheckOneofCase.Exec:
                return await ExecuteAsync(instance, probe.Exec, cancel).ConfigureAwait(false);
            case Probe.CheckOneofCase.Http:
                string url = probe.Http.Url.Length > 0 ? probe.Http.Url : "http://${AURAE_ADDRESS}" + probe.Http.Path;
                using (HttpResponseMessage answer = await _client.GetAsync(new Uri(InstanceVariables.Replace(url, instance.Address)), HttpCompletionOption.ResponseHeadersRead, cancel).ConfigureAwait(false))
                {
                    return (int)answer.StatusCode is >= 200 and < 400 ? null : $"HTTP {(int)answer.StatusCode}";
                }

            case Probe.CheckOneofCase.Tcp:
                using (var socket = new Socket(SocketType.Stream, ProtocolType.Tcp))
                {
                    string address = probe.Tcp.Address.Length > 0 ? InstanceVariables.Replace(probe.Tcp.Address, instance.Address) : instance.Address;
                    await socket.ConnectAsync(Host(address), Port(address), cancel).ConfigureAwait(false);
                    return null;
                }

            case Probe.CheckOneofCase.Grpc:
                string peer = probe.Grpc.Address.Length > 0 ? InstanceVariables.Replace(probe.Grpc.Address, instance.Address) : instance.Address;
                return await CheckHealthAsync(peer, probe.Grpc.Service, cancel).ConfigureAwait(false);
            default:
                return "it has no probe";
        }
    }

    private async Task<string?> ExecuteAsync(Instance instance, ExecProbe probe, CancellationToken cancel)
    {
        await using PreparedProcess prepared = await launcher.PrepareBesideAsync(instance, probe.Command, probe.Arguments, cancel).ConfigureAwait(false);
        using SupervisedProcess process = await prepared.GoAsync(cancel).ConfigureAwait(false);
        try
        {
            ExitStatus exit = await process.Ended.WaitAsync(cancel).ConfigureAwait(false);
            return exit.IsSuccess ? null : $"{probe.Command} {exit}";
        }
        catch (OperationCanceledException)
        {
            process.KillGroup();
            _ = await process.Ended.ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// grpc.health.v1.Health/Check (github.com/grpc/grpc/blob/master/doc/health-checking.md) over HTTP/2 without TLS:
    /// <code>
    /// request    u8 0, u32 length (big-endian), HealthCheckRequest { string service = 1 }
    /// answer     u8 0, u32 length,              HealthCheckResponse { ServingStatus status = 1 }, 1 = SERVING; trailers grpc-status, grpc-message
    /// </code>
    /// </summary>
    private async Task<string?> CheckHealthAsync(string address, string service, CancellationToken cancel)
    {
        const int prefix = 5;
        byte[] name = Encoding.UTF8.GetBytes(service);
        var message = new ArraySegment<byte>(new byte[name.Length + 8]);
        var output = new CodedOutputStream(message.Array!);
        if (name.Length > 0)
        {
            output.WriteTag(1, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(ByteString.CopyFrom(name));
        }

        int length = (int)output.Position;
        var frame = new byte[prefix + length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), length);
        message.AsSpan(0, length).CopyTo(frame.AsSpan(prefix));
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"http://{address}/grpc.health.v1.Health/Check"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(frame),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        using HttpResponseMessage answer = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel).ConfigureAwait(false);
        byte[] body = await answer.Content.ReadAsByteArrayAsync(cancel).ConfigureAwait(false);
        string code = Header(answer, "grpc-status");
        if (code != "0")
        {
            return $"grpc status {code} {Header(answer, "grpc-message")}".TrimEnd();
        }

        var input = new CodedInputStream(body, Math.Min(prefix, body.Length), Math.Max(0, body.Length - prefix));
        int status = input.ReadTag() == WireFormat.MakeTag(1, WireFormat.WireType.Varint) ? input.ReadEnum() : 0;
        return status == ServingStatus ? null : "it says that it is not serving";
    }

    private static string Header(HttpResponseMessage answer, string name) =>
        answer.TrailingHeaders.TryGetValues(name, out IEnumerable<string>? values) || answer.Headers.TryGetValues(name, out values) ? values.First() : string.Empty;

    private static string Host(string address) => address[..address.LastIndexOf(':')].Trim('[', ']');

    private static int Port(string address) => int.Parse(address.AsSpan(address.LastIndexOf(':') + 1), null);
}

using Aurae.Assets.V0;
using Auraed.Cli;
using Auraed.Cli.Output;
using Auraed.Tests.Support;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Auraed.Tests.Contract.Assets;

/// <summary>`auraed assets get ASSET -`: what cannot be taken back is compared at the end, with a daemon that gives other bytes than it announced.</summary>
public sealed class AssetOutputs : IAsyncLifetime
{
    private const int Corrupt = 17;
    private const int Invalid = 4;

    private readonly TemporaryDirectory _directory = new();
    private readonly MemoryStream _output = new();
    private readonly Lying _daemon = new();
    private WebApplication _app = null!;

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(options => options.ListenUnixSocket(_directory["sock"], listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddSingleton(_daemon);
        builder.Services.AddGrpc();
        _app = builder.Build();
        _app.MapGrpcService<Lying>();
        await _app.StartAsync();
        await File.WriteAllTextAsync(_directory["client"], $"[system]\nsocket = \"{_directory["sock"]}\"\n");
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task What_the_daemon_announced_is_written_and_done()
    {
        _daemon.Given = _daemon.Announced;
        Assert.Equal((0, ""), await GetAsync());
        Assert.Equal(_daemon.Announced, _output.ToArray());
    }

    [Fact]
    public async Task A_stream_that_ends_short_or_long_is_a_failure()
    {
        _daemon.Given = _daemon.Announced[..^1];
        var (code, said) = await GetAsync();
        Assert.Equal(Corrupt, code);
        Assert.Contains("has 299999 bytes, not 300000", said, StringComparison.Ordinal);
        _daemon.Given = [.. _daemon.Announced, 0];
        Assert.Equal(Corrupt, (await GetAsync()).Code);
    }

    [Fact]
    public async Task Other_bytes_than_those_announced_are_a_failure_that_names_both()
    {
        _daemon.Given = AssetHost.Random(2, 300_000);
        var (code, said) = await GetAsync();
        Assert.Equal(Corrupt, code);
        Assert.Contains($"has the SHA-256 {AssetHost.Digest(_daemon.Given)}, not {AssetHost.Digest(_daemon.Announced)}", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_terminal_gets_no_bytes()
    {
        _daemon.Given = _daemon.Announced;
        var (code, said) = await GetAsync(isInteractive: true);
        Assert.Equal(Invalid, code);
        Assert.Contains("auraed assets get a - | less", said, StringComparison.Ordinal);
        Assert.Equal(0, _output.Length);
    }

    private async Task<(int Code, string Error)> GetAsync(bool isInteractive = false)
    {
        _output.SetLength(0);
        using var error = new StringWriter();
        var environment = new CliEnvironment
        {
            Terminal = new Terminal(TextWriter.Null, error, isInteractive, width: 100),
            Variables = new Dictionary<string, string>(),
            // What takes longer than a second by the clock is told of.
            Time = new FixedTime(TimeProvider.System.GetUtcNow()),
            OpenOutput = () => new MemoryCopy(_output),
            RunDaemon = (_, _) => Task.FromResult(0),
        };
        var code = await CommandLine.RunAsync(["assets", "get", "a", "-", "--client-config", _directory["client"]], environment);
        return (code, error.ToString());
    }

    /// <summary>Stays readable when the verb has disposed of it.</summary>
    private sealed class MemoryCopy(MemoryStream target) : MemoryStream
    {
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => target.WriteAsync(buffer, cancellationToken);
    }

    private sealed class Lying : AssetService.AssetServiceBase
    {
        public byte[] Announced { get; } = AssetHost.Random(1, 300_000);

        public byte[] Given { get; set; } = [];

        public override Task<StatAssetResponse> Stat(StatAssetRequest request, ServerCallContext context) =>
            Task.FromResult(new StatAssetResponse { Asset = new Asset { Id = AssetHost.Caid(Announced), Size = Announced.Length, Sha256 = AssetHost.Digest(Announced) } });

        public override async Task Download(DownloadRequest request, IServerStreamWriter<DownloadResponse> responses, ServerCallContext context)
        {
            for (var place = 0; place < Given.Length; place += AssetHost.MessageBytes)
            {
                await responses.WriteAsync(new DownloadResponse { Data = ByteString.CopyFrom(Given.AsSpan(place, Math.Min(AssetHost.MessageBytes, Given.Length - place))) });
            }
        }
    }
}

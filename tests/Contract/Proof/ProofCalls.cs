using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Aurae.Events.V0;
using Aurae.Vms.V0;
using Auraed.Store;
using Auraed.Store.Proof;
using Auraed.Tests.Support;
using Google.Protobuf;
using Grpc.Core;
using Checkpoint = Auraed.Store.Proof.Checkpoint;

namespace Auraed.Tests.Contract.Proof;

/// <summary>Proofs over the socket, checked as a client does who has the certificate and nothing else; and the verbs.</summary>
public sealed class ProofCalls : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();
    private RecordServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await RecordServer.StartAsync();
        File.WriteAllText(_directory["client"], $"[system]\nsocket = \"{_server.SocketPath}\"\n");
        File.WriteAllText(_directory["server.crt"], Certificate());
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task An_event_is_proven_to_be_in_the_log_that_a_checkpoint_signs()
    {
        await FillAsync(40);
        foreach (long sequence in (long[])[1, 2, 17, 40])
        {
            InclusionProof proof = await _server.Proofs.GetInclusionProofAsync(new GetInclusionProofRequest { Sequence = sequence });
            Assert.Equal(sequence, proof.Event.Sequence);
            AssertHolds(proof);
        }

        await FillAsync(10);
        InclusionProof newer = await _server.Proofs.GetInclusionProofAsync(new GetInclusionProofRequest { Sequence = 45 });
        Assert.Equal(50, newer.Size);
        AssertHolds(newer);
        InclusionProof older = await _server.Proofs.GetInclusionProofAsync(new GetInclusionProofRequest { Sequence = 7, Size = 33 });
        Assert.Null(older.Checkpoint);
        Assert.Equal(33, older.Size);
        await RecordServer.FailsAsync(StatusCode.OutOfRange, null, () => _server.Proofs.GetInclusionProofAsync(new GetInclusionProofRequest { Sequence = 51 }).ResponseAsync);
        await RecordServer.FailsAsync(StatusCode.InvalidArgument, "size", () => _server.Proofs.GetInclusionProofAsync(new GetInclusionProofRequest { Sequence = 34, Size = 33 }).ResponseAsync);
        await RecordServer.FailsAsync(StatusCode.InvalidArgument, "sequence", () => _server.Proofs.GetInclusionProofAsync(new GetInclusionProofRequest()).ResponseAsync);
    }

    [Fact]
    public async Task A_later_log_is_proven_to_continue_an_earlier_one()
    {
        await FillAsync(30);
        Checkpoint first = Read(await _server.Proofs.GetCheckpointAsync(new GetCheckpointRequest()));
        await FillAsync(25);
        Checkpoint same = Read(await _server.Proofs.GetCheckpointAsync(new GetCheckpointRequest()));
        Assert.Equal(first.Size, same.Size);
        Checkpoint second = Read(await _server.Proofs.GetCheckpointAsync(new GetCheckpointRequest { Fresh = true }));
        Assert.Equal((30, 55), (first.Size, second.Size));
        ConsistencyProof proof = await _server.Proofs.GetConsistencyProofAsync(new GetConsistencyProofRequest { FirstSize = 30 });
        Assert.True(ProofCheck.Consistency(30, 55, first.Root, second.Root, [.. proof.Hashes.Select(hash => hash.ToByteArray())]));
        Assert.Equal(ByteString.CopyFrom(first.Root), proof.FirstRoot);
        ListCheckpointsResponse all = await _server.Proofs.ListCheckpointsAsync(new ListCheckpointsRequest());
        Assert.Equal([55, 30], all.Checkpoints.Select(checkpoint => checkpoint.Size));
        Assert.Equal(30, Assert.Single((await _server.Proofs.ListCheckpointsAsync(new ListCheckpointsRequest { BelowSize = 55 })).Checkpoints).Size);
        await RecordServer.FailsAsync(StatusCode.InvalidArgument, "second_size", () => _server.Proofs.GetConsistencyProofAsync(new GetConsistencyProofRequest { FirstSize = 31, SecondSize = 30 }).ResponseAsync);
    }

    [Fact]
    public async Task Without_events_there_is_no_checkpoint()
    {
        await RecordServer.FailsAsync(StatusCode.NotFound, null, () => _server.Proofs.GetCheckpointAsync(new GetCheckpointRequest()).ResponseAsync);
        await RecordServer.FailsAsync(StatusCode.NotFound, null, () => _server.Proofs.Export(new ExportEventsRequest()).ResponseStream.MoveNext(default));
    }

    [Fact]
    public async Task Openssl_verifies_a_checkpoint()
    {
        await FillAsync(3);
        Checkpoint checkpoint = Read(await _server.Proofs.GetCheckpointAsync(new GetCheckpointRequest()));
        File.WriteAllBytes(_directory["text"], checkpoint.Text);
        File.WriteAllBytes(_directory["signature"], checkpoint.Signature);
        File.WriteAllText(_directory["server.pub"], Tool.Run("openssl", "x509", "-in", _directory["server.crt"], "-noout", "-pubkey").Succeeded());
        Assert.Contains("Verified OK", Tool.Run("openssl", "dgst", "-sha256", "-verify", _directory["server.pub"], "-signature", _directory["signature"], _directory["text"]).Succeeded(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_verbs_export_a_segment_and_verify_it_with_the_certificate_alone()
    {
        await FillAsync(300);
        string segment = _directory["log.auraeseg"];
        Assert.Contains("300", (await RunAsync("export", segment)).Succeeded(), StringComparison.Ordinal);
        Assert.Matches(@"sound +yes", (await RunAsync("verify", segment, "--server-crt", _directory["server.crt"])).Succeeded());

        byte[] bytes = File.ReadAllBytes(segment);
        bytes[bytes.Length / 2] ^= 4;
        File.WriteAllBytes(segment, bytes);
        Support.Cli broken = await RunAsync("verify", segment, "--server-crt", _directory["server.crt"]);
        Assert.Equal(3, broken.Code);
        // Which field it is in decides what is said of it.
        Assert.Matches(@"sound +no", broken.Output);

        File.WriteAllText(_directory["other.crt"], Certificate(other: true));
        Assert.Contains("signed by another key", (await RunAsync("verify", segment, "--server-crt", _directory["other.crt"])).Output, StringComparison.Ordinal);
        Assert.Equal(7, (await RunAsync("verify", segment, "--server-crt", segment)).Code);
        Assert.Equal(5, (await RunAsync("verify", segment + ".not", "--server-crt", _directory["server.crt"])).Code);
    }

    [Fact]
    public async Task The_verb_checkpoint_prints_the_signed_text_and_lists_all()
    {
        await FillAsync(5);
        Checkpoint printed = Checkpoint.Parse(System.Text.Encoding.UTF8.GetBytes((await RunAsync("checkpoint")).Succeeded()));
        Assert.Equal(5, printed.Size);
        await FillAsync(1);
        Assert.Contains("\"size\":6", (await RunAsync("checkpoint", "--fresh", "-o", "json")).Succeeded(), StringComparison.Ordinal);
        Assert.Equal(3, (await RunAsync("checkpoint", "--all")).Succeeded().TrimEnd().Split('\n').Length);
        Assert.Equal(6, (await RunAsync("export", _directory["server.crt"])).Code);
        Assert.Equal(9, (await RunAsync("export", _directory["x"], "--from", "1", "--to", "7")).Code);
        Assert.False(File.Exists(_directory["x"]) || File.Exists(_directory["x.partial"]));
    }

    private async Task FillAsync(int count)
    {
        for (int number = 0; number < count; number++)
        {
            await _server.CreateAsync(new VirtualMachine { MemSizeMb = 128 });
        }
    }

    /// <summary>As the comments of the messages say it.</summary>
    private static void AssertHolds(InclusionProof proof)
    {
        Event found = proof.Event;
        var content = new EventContent
        {
            Sequence = found.Sequence,
            CommitRevision = found.Revision,
            Time = (found.Time.Seconds * 1_000_000_000) + found.Time.Nanos,
            Tenant = found.Tenant,
            Principal = found.Principal,
            RequestId = found.HasRequestId ? found.RequestId : null,
            Kind = found.Kind,
            Subject = found.Subject,
            Payload = found.Payload.Value.Span,
        };
        var hash = new byte[32];
        EventHash.Compute(proof.PreviousHash.Span, content, hash);
        Assert.Equal(found.Hash.ToByteArray(), hash);
        var leaf = SHA256.HashData([0, .. hash]);
        Checkpoint checkpoint = Read(proof.Checkpoint);
        Assert.Equal(proof.Size, checkpoint.Size);
        Assert.True(ProofCheck.Inclusion(leaf, found.Sequence - 1, proof.Size, [.. proof.Hashes.Select(sibling => sibling.ToByteArray())], checkpoint.Root));
    }

    private static Checkpoint Read(Aurae.Events.V0.Checkpoint message)
    {
        Checkpoint checkpoint = Checkpoint.Parse(message.Note.Span);
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, Certificate());
            using CheckpointKey key = CheckpointKey.FromCertificate(path);
            Assert.True(key.Verifies(checkpoint));
        }
        finally
        {
            File.Delete(path);
        }

        Assert.Equal((message.Size, message.Origin, message.Root), (checkpoint.Size, checkpoint.Origin, ByteString.CopyFrom(checkpoint.Root)));
        return checkpoint;
    }

    /// <summary>A certificate of the fixture's key, or of another one.</summary>
    private static string Certificate(bool other = false)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        if (!other)
        {
            key.ImportFromPem(StoreFixture.KeyPem);
        }

        using X509Certificate2 certificate = new CertificateRequest("CN=host7", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        return certificate.ExportCertificatePem();
    }

    private Task<Support.Cli> RunAsync(params string[] arguments)
    {
        string[] client = arguments[0] == "verify" ? [] : ["--client-config", _directory["client"]];
        return Support.Cli.RunAsync(["events", .. arguments, .. client]);
    }
}

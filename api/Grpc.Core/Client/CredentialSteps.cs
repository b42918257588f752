using Grpc.Core;

namespace Grpc.Net.Client.Internal;

/// <summary>Credentials taken apart into the delegates that add to a call's headers.</summary>
internal sealed class CredentialSteps
{
    private readonly List<AsyncAuthInterceptor> _steps = [];

    public CredentialSteps(ChannelCredentials? credentials) => credentials?.InternalPopulateConfiguration(new ChannelParts(this), null);

    public CredentialSteps(CallCredentials credentials) => credentials.InternalPopulateConfiguration(new CallParts(this), null);

    public bool IsEmpty => _steps.Count == 0;

    public async Task AddAsync(AuthInterceptorContext context, Metadata metadata)
    {
        foreach (var step in _steps)
            await step(context, metadata).ConfigureAwait(false);
    }

    private sealed class ChannelParts(CredentialSteps steps) : ChannelCredentialsConfiguratorBase
    {
        public override void SetInsecureCredentials(object? state)
        {
        }

        public override void SetSslCredentials(object? state, string? rootCertificates, KeyCertificatePair? keyCertificatePair)
        {
            if (rootCertificates is not null || keyCertificatePair is not null)
                throw new InvalidOperationException("Certificates are set on the channel's HTTP handler.");
        }

        public override void SetCompositeCredentials(object? state, ChannelCredentials channelCredentials, CallCredentials callCredentials)
        {
            channelCredentials.InternalPopulateConfiguration(this, state);
            callCredentials.InternalPopulateConfiguration(new CallParts(steps), state);
        }
    }

    private sealed class CallParts(CredentialSteps steps) : CallCredentialsConfiguratorBase
    {
        public override void SetCompositeCredentials(object? state, IReadOnlyList<CallCredentials> credentials)
        {
            foreach (var credential in credentials)
                credential.InternalPopulateConfiguration(this, state);
        }

        public override void SetAsyncAuthInterceptorCredentials(object? state, AsyncAuthInterceptor interceptor) => steps._steps.Add(interceptor);
    }
}

using Microsoft.Extensions.Logging;

namespace Auraed.Base;

/// <summary>All messages of the daemon, a file per room; ids in blocks, never used twice.</summary>
public static partial class Log
{
    [LoggerMessage(1000, LogLevel.Information, "auraed {Version} is ready: socket {Sockets}, database {Database}, config {Config}, pid {ProcessId}, {Milliseconds} ms after its start")]
    public static partial void Ready(ILogger logger, string version, string sockets, string database, string config, int processId, long milliseconds);

    [LoggerMessage(1001, LogLevel.Information, "{Signal}: stopping; running calls have {Timeout} to finish")]
    public static partial void Draining(ILogger logger, string signal, string timeout);

    [LoggerMessage(1002, LogLevel.Information, "stopped")]
    public static partial void Stopped(ILogger logger);

    [LoggerMessage(1003, LogLevel.Warning, "{Signal} again: stopping at once")]
    public static partial void StoppingAtOnce(ILogger logger, string signal);

    [LoggerMessage(1004, LogLevel.Information, "reloaded {Config}: certificates are read again for new connections")]
    public static partial void Reloaded(ILogger logger, string config);

    [LoggerMessage(1005, LogLevel.Warning, "{Key} has changed and needs a restart: auraed runs on with its old value")]
    public static partial void RestartNeeded(ILogger logger, string key);

    [LoggerMessage(1006, LogLevel.Error, "the reload failed and nothing has changed: {Reason}")]
    public static partial void ReloadFailed(ILogger logger, string reason);

    [LoggerMessage(1010, LogLevel.Warning, "connection {Connection} from {Peer} is refused: no client certificate was shown")]
    public static partial void CertificateMissing(ILogger logger, string connection, string peer);

    [LoggerMessage(1011, LogLevel.Warning, "connection {Connection} from {Peer} is refused: certificate {Subject} is signed by another authority than ca_crt ({Issuer})")]
    public static partial void CertificateOfOtherAuthority(ILogger logger, string connection, string peer, string subject, string issuer);

    [LoggerMessage(1012, LogLevel.Warning, "connection {Connection} from {Peer} is refused: certificate {Subject} has expired on {NotAfter}")]
    public static partial void CertificateExpired(ILogger logger, string connection, string peer, string subject, DateTimeOffset notAfter);

    [LoggerMessage(1013, LogLevel.Warning, "connection {Connection} from {Peer} is refused: certificate {Subject} is not valid before {NotBefore}")]
    public static partial void CertificateNotYetValid(ILogger logger, string connection, string peer, string subject, DateTimeOffset notBefore);

    [LoggerMessage(1014, LogLevel.Warning, "connection {Connection} from {Peer} is refused: certificate {Subject} may not be used by a client (its extended key usage lacks clientAuth)")]
    public static partial void CertificateOfWrongUsage(ILogger logger, string connection, string peer, string subject);

    [LoggerMessage(1015, LogLevel.Warning, "connection {Connection} from {Peer} is refused: certificate {Subject} does not verify: {Reason}")]
    public static partial void CertificateRefused(ILogger logger, string connection, string peer, string subject, string reason);

    [LoggerMessage(1016, LogLevel.Warning, "connection {Connection} is refused: user {UserId} (process {ProcessId}) is neither root nor the daemon's own user")]
    public static partial void UserRefused(ILogger logger, string connection, uint userId, int processId);

    [LoggerMessage(1017, LogLevel.Warning, "connection {Connection} from {Peer} is refused: {Open} connections are open and none is idle")]
    public static partial void ConnectionRefused(ILogger logger, string connection, string peer, int open);

    [LoggerMessage(1018, LogLevel.Information, "connection {Connection} is closed, idle longest, to make room for {Peer}")]
    public static partial void ConnectionEvicted(ILogger logger, string connection, string peer);

    [LoggerMessage(1019, LogLevel.Information, "connection {Connection} from {Peer} failed its TLS handshake: {Reason}")]
    public static partial void HandshakeFailed(ILogger logger, string connection, string peer, string reason);

    [LoggerMessage(1020, LogLevel.Information, "the socket file {Path} was left by a daemon that is gone; it is replaced")]
    public static partial void StaleSocketReplaced(ILogger logger, string path);

    [LoggerMessage(1021, LogLevel.Warning, "the service manager cannot be told {State}: {Reason}")]
    public static partial void NotifyFailed(ILogger logger, string state, string reason);

    [LoggerMessage(1022, LogLevel.Error, "the loop {Loop} hangs: the watchdog is not fed")]
    public static partial void LoopStalled(ILogger logger, string loop);

    [LoggerMessage(1023, LogLevel.Error, "the database cannot be written any more: {Reason}; stopping")]
    public static partial void StoreFailed(ILogger logger, string reason);

    [LoggerMessage(1024, LogLevel.Information, "published {Path} for a plain copy: {Bytes} bytes up to event {Sequence}")]
    public static partial void Published(ILogger logger, string path, long bytes, long sequence);

    [LoggerMessage(1025, LogLevel.Warning, "the copy for a plain cp could not be published: {Reason}")]
    public static partial void PublishFailed(ILogger logger, string reason);

    [LoggerMessage(1030, LogLevel.Warning, "services and cells are shown as they are on record, and no process is touched: {Reason}")]
    public static partial void SupervisionRefused(ILogger logger, string reason);

    [LoggerMessage(1031, LogLevel.Warning, "another user has taken the name by which daemons of one database find each other: start no copy of this database on this host meanwhile")]
    public static partial void SeatNotTaken(ILogger logger);

    [LoggerMessage(1032, LogLevel.Information, "the journal that the last stop left is taken in: {Groups} groups redone")]
    public static partial void JournalRedone(ILogger logger, long groups);

    [LoggerMessage(1033, LogLevel.Warning, "the journal that the last stop left is taken in: {Groups} groups redone, {Bytes} bytes of tail cut: a group that was on its way and not answered, unless the disk has damaged the last one that was")]
    public static partial void JournalCut(ILogger logger, long groups, long bytes);

    [LoggerMessage(1034, LogLevel.Information, "what comes in is handed to the thread pool: this Kestrel has no other way, and callers who are alone wait a little longer")]
    public static partial void FramesAreHandedOver(ILogger logger);

    [LoggerMessage(1040, LogLevel.Warning, "the origin cannot serve {Path}: {Reason}")]
    public static partial void OriginFailed(ILogger logger, string path, string reason);

    [LoggerMessage(1041, LogLevel.Warning, "a cache was not told what is no longer published, and will be asked again: {Reason}")]
    public static partial void PurgeFailed(ILogger logger, string reason);
}

using System.Net.Sockets;
using System.Runtime.InteropServices;
using Auraed.Base;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Native;

/// <summary>In whose process table a child is: its parent's, one of its own, or that of another process.</summary>
public enum SpawnTable
{
    Own,
    New,
    Joined,
}

/// <summary>
/// Starts a program without fork: posix_spawn, so that no managed code runs between clone and exec. The child has descriptors 0 to 2 of its parent,
/// <see cref="ChannelDescriptor"/>, maybe <see cref="PeerDescriptor"/>, no blocked signal, and default dispositions.
/// </summary>
public static unsafe partial class ProcessSpawn
{
    /// <summary>The child's end of the channel to its parent.</summary>
    public const int ChannelDescriptor = 3;

    /// <summary>The descriptor of the process whose namespaces the child is to join.</summary>
    public const int PeerDescriptor = 4;

    private const int UnixFamily = 1;
    private const int Stream = 1;
    private const int CloseOnExec = 0x80000;
    private const int DuplicateCloseOnExec = 1030;

    /// <summary>Above every descriptor that the child is given, so that giving one never overwrites another.</summary>
    private const int LowestDescriptor = 10;

    private const int NewProcessTable = 0x2000_0000;

    // glibc's types are 80 and 336 bytes on x86-64 and arm64.
    private const int ActionsBytes = 256;
    private const int AttributesBytes = 512;
    private const int SignalSetBytes = 128;
    private const short SetSignalDefaults = 0x04;
    private const short SetSignalMask = 0x08;

    /// <summary>The child's number and the parent's end of the channel. Fault(Unavailable) when the host has no process or memory left.</summary>
    /// <param name="path">Absolute.</param>
    /// <param name="arguments">With the program's own name as the first.</param>
    /// <param name="environment">NAME=VALUE, all of it.</param>
    /// <param name="table">New and Joined need CAP_SYS_ADMIN.</param>
    /// <param name="peer">A pidfd; null but for Joined or when the child is to join its other namespaces.</param>
    public static (int Id, Socket Channel) Start(string path, IReadOnlyList<string> arguments, IReadOnlyList<string> environment, SpawnTable table, SafeHandle? peer)
    {
        int* pair = stackalloc int[2];
        if (socketpair(UnixFamily, Stream | CloseOnExec, 0, pair) != 0)
        {
            throw Refused("socketpair", Marshal.GetLastPInvokeError());
        }

        var own = new Socket(new SafeSocketHandle(pair[0], ownsHandle: true));
        using var child = new SafeFileHandle(Raised(pair[1]), ownsHandle: true);
        using SafeFileHandle? passed = peer is null ? null : new SafeFileHandle(fcntl((int)peer.DangerousGetHandle(), DuplicateCloseOnExec, LowestDescriptor), ownsHandle: true);
        try
        {
            int id = table == SpawnTable.Own
                ? Spawn(path, arguments, environment, child, passed)
                : OnThreadOfItsOwn(() =>
                {
                    // The thread's children are born into the other table; the thread ends with it.
                    int error = table == SpawnTable.New ? unshare(NewProcessTable) : setns((int)passed!.DangerousGetHandle(), NewProcessTable);
                    return error == 0 ? Spawn(path, arguments, environment, child, passed) : throw Refused("a process table of its own", Marshal.GetLastPInvokeError());
                });
            return (id, own);
        }
        catch
        {
            own.Dispose();
            throw;
        }
    }

    private static int Raised(int descriptor)
    {
        int raised = fcntl(descriptor, DuplicateCloseOnExec, LowestDescriptor);
        int error = Marshal.GetLastPInvokeError();
        _ = close(descriptor);
        return raised >= 0 ? raised : throw Refused("dup", error);
    }

    private static int OnThreadOfItsOwn(Func<int> work)
    {
        int result = 0;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                result = work();
            }
            catch (Fault fault)
            {
                failure = fault;
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? result : throw failure;
    }

    private static int Spawn(string path, IReadOnlyList<string> arguments, IReadOnlyList<string> environment, SafeFileHandle channel, SafeFileHandle? peer)
    {
        byte* actions = stackalloc byte[ActionsBytes];
        byte* attributes = stackalloc byte[AttributesBytes];
        byte* signals = stackalloc byte[SignalSetBytes];
        using var argv = new NativeStrings(arguments);
        using var envp = new NativeStrings(environment);
        _ = posix_spawn_file_actions_init(actions);
        _ = posix_spawnattr_init(attributes);
        try
        {
            int error = posix_spawn_file_actions_adddup2(actions, (int)channel.DangerousGetHandle(), ChannelDescriptor);
            if (error == 0 && peer is not null)
            {
                error = posix_spawn_file_actions_adddup2(actions, (int)peer.DangerousGetHandle(), PeerDescriptor);
            }

            new Span<byte>(signals, SignalSetBytes).Clear();
            _ = posix_spawnattr_setsigmask(attributes, signals);
            new Span<byte>(signals, SignalSetBytes).Fill(0xff);
            _ = posix_spawnattr_setsigdefault(attributes, signals);
            _ = posix_spawnattr_setflags(attributes, SetSignalMask | SetSignalDefaults);
            int id = 0;
            error = error != 0 ? error : posix_spawn(&id, path, actions, attributes, argv.Pointers, envp.Pointers);
            return error == 0 ? id : throw Refused($"starting {path}", error);
        }
        finally
        {
            _ = posix_spawn_file_actions_destroy(actions);
            _ = posix_spawnattr_destroy(attributes);
        }
    }

    private static Fault Refused(string what, int error)
    {
        const int tryAgain = 11;
        const int noMemory = 12;
        FaultKind kind = error is tryAgain or noMemory ? FaultKind.Unavailable : error == 1 ? FaultKind.Precondition : FaultKind.Internal;
        return new Fault(kind, $"a process cannot be started: {what}: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socketpair(int domain, int type, int protocol, int* pair);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int descriptor, int command, int argument);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int unshare(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setns(int descriptor, int type);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int posix_spawn(int* id, string path, byte* actions, byte* attributes, byte** arguments, byte** environment);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_init(byte* actions);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_destroy(byte* actions);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_adddup2(byte* actions, int descriptor, int target);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_init(byte* attributes);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_destroy(byte* attributes);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_setflags(byte* attributes, short flags);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_setsigmask(byte* attributes, byte* signals);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_setsigdefault(byte* attributes, byte* signals);
}

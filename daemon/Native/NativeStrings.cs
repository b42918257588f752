using System.Runtime.InteropServices;

namespace Auraed.Native;

/// <summary>Texts as exec takes them: pointers to NUL-terminated UTF-8, ended by a null pointer. Freed with it.</summary>
internal sealed unsafe class NativeStrings : IDisposable
{
    private readonly int _count;

    public NativeStrings(IReadOnlyList<string> texts)
    {
        _count = texts.Count;
        Pointers = (byte**)NativeMemory.AllocZeroed((nuint)(_count + 1), (nuint)sizeof(byte*));
        for (int index = 0; index < _count; index++)
        {
            Pointers[index] = (byte*)Marshal.StringToCoTaskMemUTF8(texts[index]);
        }
    }

    public byte** Pointers { get; private set; }

    public void Dispose()
    {
        for (int index = 0; Pointers != null && index < _count; index++)
        {
            // An environment may hold secrets.
            Marshal.ZeroFreeCoTaskMemUTF8((nint)Pointers[index]);
        }

        NativeMemory.Free(Pointers);
        Pointers = null;
    }
}

namespace Auraed.Rpc;

/// <summary>What a call does to its resource.</summary>
public enum AccessVerb
{
    /// <summary>Looks; changes nothing.</summary>
    Read,
    /// <summary>Makes, changes or removes.</summary>
    Write,
    /// <summary>Acts on the daemon or on running things.</summary>
    Operate,
}

/// <summary>The right that a method needs.</summary>
public readonly record struct Access(AccessVerb Verb, string Resource);

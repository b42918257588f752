using Auraed.Base;
using Auraed.Config;
using Microsoft.Extensions.Logging;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using Serilog.Extensions.Logging;

namespace Auraed.Host;

/// <summary>The daemon's log: Serilog behind Microsoft.Extensions.Logging, one line per message on standard error. The level changes with a reload.</summary>
internal sealed class Logs : IDisposable
{
    private readonly LoggingLevelSwitch _level = new();
    private readonly Logger _serilog;

    public Logs(Settings settings, Stream output, bool isJournal)
    {
        SetLevel(settings);
        _serilog = new LoggerConfiguration()
            .MinimumLevel.ControlledBy(_level)
            .WriteTo.Sink(new LineSink(output, settings.LogFormat, isJournal, Feed))
            .CreateLogger();
    }

    /// <summary>What is logged, for those who read it over the wire.</summary>
    public LogFeed Feed { get; } = new();

    /// <summary>True when standard error is a stream of the journal, which reads a level before each line.</summary>
    public static bool IsJournal(IReadOnlyDictionary<string, string> environment) => environment.ContainsKey("JOURNAL_STREAM");

    /// <summary>The framework's own messages are noise below Warning.</summary>
    public void AddTo(ILoggingBuilder builder) => builder
        .SetMinimumLevel(Microsoft.Extensions.Logging.LogLevel.Trace)
        .AddFilter("Microsoft", Microsoft.Extensions.Logging.LogLevel.Warning)
        .AddFilter("System", Microsoft.Extensions.Logging.LogLevel.Warning)
        // AddSerilog would add a filter for its provider that passes everything.
        .AddProvider(new SerilogLoggerProvider(_serilog));

    public void SetLevel(Settings settings) => _level.MinimumLevel = settings.Verbose && settings.LogLevel > LogLevelName.Debug
        ? LogEventLevel.Debug
        : settings.LogLevel switch
        {
            LogLevelName.Trace => LogEventLevel.Verbose,
            LogLevelName.Debug => LogEventLevel.Debug,
            LogLevelName.Info => LogEventLevel.Information,
            LogLevelName.Warn => LogEventLevel.Warning,
            LogLevelName.Error => LogEventLevel.Error,
        };

    public void Dispose() => _serilog.Dispose();
}

using Auraed.Supervise;

namespace Auraed.Tests.Unit.Supervise;

/// <summary>The decisions of one service's machine, input by input.</summary>
public class ServiceMachineTests
{
    private static readonly ServicePolicy Policy = new() { StartCountMax = 0 };
    private readonly List<ServiceOutput> _outputs = [];
    private ServiceMachine _machine = new(new ServiceState(), Policy);
    private TimeSpan _now = TimeSpan.FromHours(1);

    [Fact]
    public void A_start_launches_and_a_launched_instance_runs()
    {
        Assert.Equal([ServiceOutputKind.Launch, ServiceOutputKind.Changed], Give(ServiceInput.Start));
        Give(ServiceInput.Launched(1));
        Assert.Equal((ServicePhase.Running, ServiceCause.None), (_machine.State.Phase, _machine.State.Cause));
        Assert.Empty(Give(ServiceInput.Start));
    }

    [Fact]
    public void Each_end_in_a_row_doubles_the_wait_up_to_its_maximum()
    {
        Give(ServiceInput.Start);
        int[] seconds = [1, 2, 4, 8, 16, 32, 60, 60];
        foreach (int wait in seconds)
        {
            Give(ServiceInput.Launched(_machine.State.Instance));
            Give(ServiceInput.Exited(_machine.State.Instance, ExitStatus.Exited(1)));
            Assert.Equal(_now + TimeSpan.FromSeconds(wait), _machine.WakeAt);
            Pass(TimeSpan.FromSeconds(wait) - TimeSpan.FromTicks(1));
            Assert.Equal(ServicePhase.Delayed, _machine.State.Phase);
            Assert.Contains(ServiceOutputKind.Launch, Pass(TimeSpan.FromTicks(1)));
        }
    }

    [Fact]
    public void An_instance_that_was_ready_for_long_ends_the_row()
    {
        Give(ServiceInput.Start);
        Fail();
        Pass(TimeSpan.FromSeconds(1));
        Fail();
        Assert.Equal(2, _machine.State.Failures);
        Pass(TimeSpan.FromSeconds(2));
        Give(ServiceInput.Launched(3));
        Pass(Policy.HealthyAfter);
        Give(ServiceInput.Exited(3, ExitStatus.Signalled(11)));
        Assert.Equal(_now + TimeSpan.FromSeconds(1), _machine.WakeAt);
    }

    [Fact]
    public void A_restart_of_the_daemon_goes_on_with_the_same_wait_and_counts()
    {
        Give(ServiceInput.Start);
        Fail();
        Pass(TimeSpan.FromSeconds(1));
        Fail();
        Pass(TimeSpan.FromSeconds(0.5));
        ComeBack();
        Assert.Empty(Give(ServiceInput.Recover(isRebooted: false, isWanted: true)));
        Assert.Equal(ServicePhase.Delayed, _machine.State.Phase);
        Pass(TimeSpan.FromSeconds(1.4));
        Assert.Equal(ServicePhase.Delayed, _machine.State.Phase);
        Assert.Contains(ServiceOutputKind.Launch, Pass(TimeSpan.FromSeconds(0.2)));
        Assert.Equal(2, _machine.State.Failures);
    }

    [Fact]
    public void A_daemon_that_crashes_again_and_again_launches_no_more_often_than_the_back_off_allows()
    {
        Give(ServiceInput.Start);
        int launches = 0;
        for (int crash = 0; crash < 100; crash++)
        {
            ComeBack();
            Give(ServiceInput.Recover(isRebooted: false, isWanted: true));
            if (_machine.State.IsInstanceOpen)
            {
                Give(ServiceInput.Exited(_machine.State.Instance, ExitStatus.Unknown));
            }

            launches += Pass(TimeSpan.FromMilliseconds(100)).Count(output => output == ServiceOutputKind.Launch);
        }

        // Ten seconds: after waits of 1, 2 and 4 s.
        Assert.Equal(3, launches);
    }

    [Fact]
    public void An_adopted_instance_is_not_started_again()
    {
        Run();
        ComeBack();
        Assert.Equal([ServiceOutputKind.Adopt], Give(ServiceInput.Recover(isRebooted: false, isWanted: true)));
        Assert.Equal("the daemon has come back and is looking for its process", Sentence);
        Give(ServiceInput.Adopted(1));
        Assert.Equal((ServicePhase.Running, 1L), (_machine.State.Phase, _machine.State.Instance));
    }

    [Fact]
    public void After_a_reboot_what_is_wanted_starts_at_once()
    {
        Run();
        _now = TimeSpan.FromSeconds(9);
        Assert.Contains(ServiceOutputKind.Launch, Give(ServiceInput.Recover(isRebooted: true, isWanted: true)));
        _now = TimeSpan.FromSeconds(3);
        Give(ServiceInput.Recover(isRebooted: true, isWanted: false));
        Assert.Equal(ServicePhase.Stopped, _machine.State.Phase);
    }

    [Fact]
    public void A_stop_is_a_signal_then_after_the_grace_a_kill_and_no_restart()
    {
        Run();
        Give(ServiceInput.Stop);
        Assert.Equal([new ServiceOutput(ServiceOutputKind.Signal, 1, 15), new ServiceOutput(ServiceOutputKind.Changed, 1)], _outputs);
        Assert.Contains(ServiceOutputKind.Kill, Pass(Policy.StopGrace));
        Assert.Contains(ServiceOutputKind.Kill, Pass(TimeSpan.FromSeconds(5)));
        Give(ServiceInput.Exited(1, ExitStatus.Signalled(9)));
        Assert.Equal((ServicePhase.Stopped, null), (_machine.State.Phase, _machine.WakeAt));
    }

    [Fact]
    public void A_start_during_a_stop_starts_the_next_instance_when_the_old_one_is_gone()
    {
        Run();
        Give(ServiceInput.Stop);
        Assert.DoesNotContain(ServiceOutputKind.Launch, Give(ServiceInput.Start));
        Assert.Contains(new ServiceOutput(ServiceOutputKind.Launch, 2), Orders(ServiceInput.Exited(1, ExitStatus.Signalled(15))));
    }

    [Fact]
    public void Too_many_starts_give_up_with_a_reason_and_a_request_tries_again()
    {
        Use(Policy with { StartCountMax = 3, StartInterval = TimeSpan.FromMinutes(1) });
        Give(ServiceInput.Start);
        for (int start = 0; start < 3; start++)
        {
            Fail();
            Pass(TimeSpan.FromSeconds(5));
        }

        Assert.Equal((ServicePhase.Failed, ServiceCause.StartLimit), (_machine.State.Phase, _machine.State.Cause));
        Assert.Equal("it was given up after 3 starts within 60 s, the last of which exited with 1; a start by request tries again", Sentence);
        Assert.Contains(ServiceOutputKind.Launch, Give(ServiceInput.Start));
    }

    [Theory]
    [InlineData(RestartPolicy.No, 0, ServicePhase.Finished)]
    [InlineData(RestartPolicy.No, 1, ServicePhase.Failed)]
    [InlineData(RestartPolicy.OnFailure, 0, ServicePhase.Finished)]
    [InlineData(RestartPolicy.OnFailure, 1, ServicePhase.Delayed)]
    [InlineData(RestartPolicy.Always, 0, ServicePhase.Delayed)]
    public void The_policy_decides_what_follows_an_end(RestartPolicy restart, int code, ServicePhase phase)
    {
        Use(Policy with { Restart = restart });
        Run();
        Give(ServiceInput.Exited(1, ExitStatus.Exited(code)));
        Assert.Equal(phase, _machine.State.Phase);
    }

    [Fact]
    public void What_is_not_ready_in_time_is_stopped_and_tried_again()
    {
        Use(Policy with { Readiness = Readiness.Probe });
        Run();
        Give(ServiceInput.Probe(1, isSuccess: false, "connection refused"));
        Assert.Equal("it runs and is not ready yet: connection refused", Sentence);
        Assert.Contains(ServiceOutputKind.Signal, Pass(Policy.StartTimeout));
        Give(ServiceInput.Exited(1, ExitStatus.Exited(0)));
        Assert.Equal("it starts again in 1 s: it was not ready within 90 s: connection refused", Sentence);
    }

    [Fact]
    public void Probes_that_flap_do_no_harm_until_they_fail_in_a_row()
    {
        Run();
        bool[] answers = [false, false, true, false, false, true];
        foreach (bool answer in answers)
        {
            Assert.Empty(Give(ServiceInput.Probe(1, answer)));
        }

        Give(ServiceInput.Probe(1, isSuccess: false));
        Give(ServiceInput.Probe(1, isSuccess: false));
        Assert.Contains(ServiceOutputKind.Signal, Give(ServiceInput.Probe(1, isSuccess: false, "503")));
        Assert.Equal("it is being stopped, as its probe failed 3 times in a row: 503", Sentence);
    }

    [Fact]
    public void What_depends_on_something_waits_for_it_by_name()
    {
        Give(ServiceInput.Dependencies(isMet: false, "'db', which is not ready"));
        Give(ServiceInput.Start);
        Assert.Equal("it waits for 'db', which is not ready", Sentence);
        Assert.Contains(ServiceOutputKind.Launch, Give(ServiceInput.Dependencies(isMet: true)));
    }

    [Fact]
    public void Word_of_an_instance_that_is_gone_changes_nothing()
    {
        Run();
        Give(ServiceInput.Restart);
        Give(ServiceInput.Exited(1, ExitStatus.Signalled(15)));
        Assert.Equal((ServicePhase.Starting, 2L), (_machine.State.Phase, _machine.State.Instance));
        Assert.Empty(Give(ServiceInput.Exited(1, ExitStatus.Exited(1))));
        Assert.Empty(Give(ServiceInput.Launched(1)));
        Assert.Empty(Give(ServiceInput.LaunchFailed(1, "late")));
    }

    [Fact]
    public void A_clock_that_goes_back_lengthens_no_wait()
    {
        Give(ServiceInput.Start);
        Fail();
        _now -= TimeSpan.FromMinutes(30);
        Give(ServiceInput.Recover(isRebooted: false, isWanted: true));
        Assert.Contains(ServiceOutputKind.Launch, Pass(TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void What_is_known_of_an_end_beyond_its_status_is_said()
    {
        Use(Policy with { StartCountMax = 2 });
        Give(ServiceInput.Start);
        Give(ServiceInput.Exited(1, ExitStatus.Signalled(9)).Because("out of memory"));
        Assert.Equal("it starts again in 1 s: it was killed by SIGKILL: out of memory", Sentence);
        ComeBack();
        Assert.EndsWith("SIGKILL: out of memory", Sentence, StringComparison.Ordinal);
        Pass(TimeSpan.FromSeconds(1));
        Give(ServiceInput.Launched(2));
        Assert.Equal("it runs", Sentence);
        Give(ServiceInput.Exited(2, ExitStatus.Signalled(9)).Because("out of memory"));
        Pass(TimeSpan.FromSeconds(2));
        Assert.Contains("given up after 2 starts within 10 s, the last of which was killed by SIGKILL: out of memory", Sentence, StringComparison.Ordinal);
        Assert.Equal(ServiceInput.Start, ServiceInput.Start.Because("x"));
    }

    private string Sentence => ServiceExplanation.Of(_machine.State, _machine.Policy, _now);

    private void Use(ServicePolicy policy) => _machine = new ServiceMachine(new ServiceState(), policy.Check());

    private void ComeBack() => _machine = new ServiceMachine(_machine.State.Clone(), _machine.Policy);

    private void Run()
    {
        Give(ServiceInput.Start);
        Give(ServiceInput.Launched(_machine.State.Instance));
    }

    private void Fail()
    {
        Give(ServiceInput.Launched(_machine.State.Instance));
        Give(ServiceInput.Exited(_machine.State.Instance, ExitStatus.Exited(1)));
    }

    private List<ServiceOutputKind> Pass(TimeSpan time)
    {
        _now += time;
        return Give(ServiceInput.Tick);
    }

    private List<ServiceOutputKind> Give(ServiceInput input) => Orders(input).ConvertAll(output => output.Kind);

    private List<ServiceOutput> Orders(ServiceInput input)
    {
        _outputs.Clear();
        _machine.Apply(in input, _now, _outputs);
        return _outputs;
    }
}

package io.gorgon.proving.history;

import io.gorgon.message.PoolEvent.LeaseEnded;
import io.gorgon.message.PoolEvent.LeaseGranted;
import io.gorgon.message.PoolEvent.WorkerGone;
import io.gorgon.message.PoolEvent.WorkerReady;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.message.PythonFailure.ProtocolViolation;
import io.gorgon.proving.history.Fact.Asked;
import io.gorgon.proving.history.Fact.Ended;
import io.gorgon.proving.history.Fact.Event;
import io.gorgon.proving.history.Fact.GivenBack;
import io.gorgon.proving.history.Fact.Held;
import io.gorgon.proving.history.Fact.Started;
import io.gorgon.proving.history.Fact.Told;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One life per incarnation, one call at a time, one holder at a time, and nothing after a dirty
 * end. An event is noted a little after what it tells, so a fact that follows it is surely later.
 */
final class WorkerRules implements History.Rules {

  @Override
  public Subject.Kind about() {
    return Subject.Kind.WORKER;
  }

  @Override
  public void check(Subject subject, List<Fact> facts, History joined, List<Violation> found) {
    var reading = new Reading(subject, facts, joined, found);
    facts.forEach(reading::on);
    reading.atTheEnd();
    reading.oneByOne();
  }

  /** What is known of a worker while its history is read. */
  private static final class Reading {
    private final Subject subject;
    private final List<Fact> facts;
    private final History joined;
    private final List<Violation> found;
    private final Map<Long, Fact> granted = new HashMap<>();
    private final Set<Long> held = new HashSet<>();
    private @Nullable Fact ready;
    private boolean gone;
    private long dirtySince = Long.MAX_VALUE;

    Reading(Subject subject, List<Fact> facts, History joined, List<Violation> found) {
      this.subject = subject;
      this.facts = facts;
      this.joined = joined;
      this.found = found;
    }

    private void that(boolean broken, Breach breach, Fact shownBy) {
      if (broken) {
        found.add(Violation.of(breach, subject, facts, shownBy));
      }
    }

    void on(Fact fact) {
      if (fact instanceof Event told) {
        onEvent(told);
      } else if (fact instanceof Held one) {
        held.add(one.lease());
      } else if (fact instanceof GivenBack one) {
        held.remove(one.lease());
      } else if (fact instanceof Started one) {
        onStarted(one);
      }
    }

    private void onEvent(Event fact) {
      if (fact.event() instanceof WorkerReady) {
        that(ready != null || gone, Breach.READY_OUT_OF_TURN, fact);
        ready = fact;
      } else if (fact.event() instanceof WorkerGone) {
        that(gone, Breach.GONE_TWICE, fact);
        gone = true;
      } else if (fact.event() instanceof LeaseGranted lease) {
        that(ready == null || gone, Breach.LEASED_UNREADY, fact);
        that(!granted.isEmpty(), Breach.LEASES_OVERLAP, fact);
        that(dirtySince < fact.at(), Breach.REUSED_AFTER_DIRTY_END, fact);
        granted.put(lease.lease(), fact);
      } else if (fact.event() instanceof LeaseEnded lease) {
        that(granted.remove(lease.lease()) == null, Breach.LEASE_ENDED_UNGRANTED, fact);
        if (lease.how().equals("revoked in use") || lease.how().equals("returned broken")) {
          dirtySince = Math.min(dirtySince, fact.at());
        }
      }
    }

    private void onStarted(Started run) {
      List<Fact> call = joined.of(Subject.call(run.call()));
      Asked asked = History.only(Asked.class, call).stream().findFirst().orElse(null);
      that(gone, Breach.RAN_AFTER_GONE, run);
      if (asked == null) {
        return;
      }
      that(
          held.stream().anyMatch(lease -> lease != asked.terms().lease()),
          Breach.RAN_BESIDE_A_LEASE,
          run);
      // One that was asked for before may have been in its hands already.
      that(dirtySince < asked.at(), Breach.REUSED_AFTER_DIRTY_END, run);
      List<Started> runs = History.only(Started.class, call);
      for (Told told : History.only(Told.class, call)) {
        if (endsDirty(told, call) && runs.get(runs.size() - 1).equals(run)) {
          dirtySince = Math.min(dirtySince, told.at());
        }
      }
    }

    /** A deadline that strikes while the answer is on its way finds a worker that is done. */
    private static boolean endsDirty(Told told, List<Fact> call) {
      return told.failure() instanceof ProtocolViolation
          || (told.failure() instanceof DeadlineExceeded late
              && late.phase() != DeadlineExceeded.Phase.QUEUED
              && History.only(Ended.class, call).stream().noneMatch(end -> end.at() <= told.at()));
    }

    void atTheEnd() {
      granted.values().forEach(lease -> that(true, Breach.LEASE_LEAKED, lease));
      if (ready != null && !gone && joined.isOver()) {
        that(true, Breach.NEVER_GONE, ready);
      }
    }

    /** One whose end was not noted, because it was interrupted there, says nothing. */
    void oneByOne() {
      Map<String, Long> ends = new HashMap<>();
      History.only(Ended.class, facts).forEach(end -> ends.put(end.call(), end.at()));
      Started before = null;
      for (Started run : History.only(Started.class, facts)) {
        if (before != null) {
          that(
              !before.call().equals(run.call())
                  && ends.getOrDefault(before.call(), Long.MIN_VALUE) > run.at(),
              Breach.TWO_AT_ONCE,
              run);
        }
        before = run;
      }
    }
  }
}

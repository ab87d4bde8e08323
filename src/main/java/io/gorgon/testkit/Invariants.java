package io.gorgon.testkit;

import io.gorgon.message.Call;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.Cancelled;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.message.PythonFailure.SessionExpired;
import io.gorgon.message.PythonFailure.SessionQuota;
import io.gorgon.message.PythonFailure.StoreUnavailable;
import io.gorgon.message.PythonFailure.WorkerLost;
import io.gorgon.message.Reply;
import io.gorgon.pool.PoolStats;
import io.gorgon.pool.PoolStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The promises of a pool, whatever happened: what {@link Phrases#invariantsHold} looks at. */
record Invariants() implements Check {

  @Override
  public void hold(Play play) {
    List<String> broken = new ArrayList<>();
    for (Happening happening : play.all()) {
      if (happening.call().isPresent()) {
        check(play, happening.name(), happening.call().get(), broken);
      }
    }
    GorgonTestKit kit = play.kit();
    if (kit.pool().status() != PoolStatus.STOPPED) {
      kit.await(() -> isWhole(kit.stats()), kit.patience());
      PoolStats stats = kit.stats();
      if (!isWhole(stats)) {
        broken.add("not all slots are back, or leases are left: " + StatsProbe.text(stats));
        LeakCheck.held(stats, kit.events().all()).forEach(leak -> broken.add(leak.what()));
      }
    }
    if (!broken.isEmpty()) {
      throw new AssertionError("broken promises:\n  " + String.join("\n  ", broken));
    }
  }

  private static void check(Play play, String name, Call call, List<String> broken) {
    Happening came;
    try {
      came = play.ended(name);
    } catch (AssertionError none) {
      broken.add(String.valueOf(none.getMessage()));
      return;
    }
    if (!came.late().isNegative()) {
      broken.add("too late by " + came.late().toMillis() + " ms: " + came);
    }
    Throwable failure = came.failure();
    if (failure != null && !(failure instanceof PythonFailure)) {
      broken.add("an untyped failure: " + came);
    }
    List<FaultPlan.Noted> notes = play.kit().faults().notes(call);
    long runs = notes.stream().filter(FaultPlan.Noted::isStart).count();
    if (runs > 1 + call.retries()) {
      broken.add("it ran " + runs + " times: " + came + "; " + notes);
    }
    if (runs > 0 && call.retries() == 0 && saysItNeverStarted(failure)) {
      broken.add("told as not started, and it ran: " + came + "; " + notes);
    }
    foreign(came, notes).ifPresent(broken::add);
  }

  private static boolean saysItNeverStarted(@Nullable Throwable failure) {
    return (failure instanceof WorkerLost lost && !lost.started())
        || (failure instanceof StoreUnavailable away && !away.started())
        || failure instanceof SessionExpired
        || failure instanceof SessionQuota
        || (failure instanceof Cancelled cancelled && !cancelled.started())
        || (failure instanceof DeadlineExceeded late
            && (late.phase() == DeadlineExceeded.Phase.QUEUED
                || late.phase() == DeadlineExceeded.Phase.STARTING));
  }

  /** An answer that is none of those which workers gave to this call. */
  private static Optional<String> foreign(Happening came, List<FaultPlan.Noted> notes) {
    if (!(came.value() instanceof Reply reply)
        || !reply.payload().attachments().isEmpty()
        || notes.isEmpty()) {
      return Optional.empty();
    }
    String checksum = ScriptedFaults.checksum(reply.body());
    boolean own = notes.stream().anyMatch(note -> !note.isStart() && note.value().equals(checksum));
    return own
        ? Optional.empty()
        : Optional.of("an answer of another call: " + came + "; " + notes);
  }

  private static boolean isWhole(PoolStats stats) {
    return stats.leased() == 0
        && stats.waitingCheckouts() == 0
        && (stats.status() == PoolStatus.DRAINING || stats.ready() >= stats.minWorkers());
  }

  @Override
  public String toString() {
    return "the invariants hold";
  }
}

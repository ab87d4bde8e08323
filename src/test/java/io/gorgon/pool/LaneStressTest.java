package io.gorgon.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Call;
import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.Cancelled;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.message.PythonFailure.Overloaded;
import io.gorgon.stress.Rounds;
import io.gorgon.stress.Rounds.Part;
import io.gorgon.worker.Dialogue;
import io.gorgon.worker.PendingCall;
import io.gorgon.worker.Runner;
import io.gorgon.worker.StressedWorker;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/**
 * Calls that are offered, cancelled, abandoned and late, workers that take them in batches, are
 * claimed, lent, taken back and die, all at once: every call has exactly one outcome, that outcome
 * is true, and nothing is left over.
 */
class LaneStressTest {

  private static final int CALLERS = 4;
  private static final int CALLS = 60;
  private static final int WORKERS = 3;

  /** One round's lane, and a thread that does for it what the pool's actor does. */
  private static final class Scene {
    final Random dice;
    final Rounds crew;
    final int concurrency;
    final int mortality;
    final LinkedBlockingQueue<Runnable> actor = new LinkedBlockingQueue<>();
    final Map<Object, AtomicInteger> journal = new ConcurrentHashMap<>();
    final Set<StressedWorker> alive = ConcurrentHashMap.newKeySet();
    final Map<Runner, StressedWorker> workers = new ConcurrentHashMap<>();
    final List<PendingCall> calls = java.util.Collections.synchronizedList(new ArrayList<>());
    final Map<Long, Boolean> claims = new ConcurrentHashMap<>();
    final AtomicBoolean ending = new AtomicBoolean();
    final Lane lane;
    private int numbers;
    private long requests;

    Scene(Random dice, Rounds crew) {
      this.dice = dice;
      this.crew = crew;
      this.concurrency = dice.nextInt(3) == 0 ? 3 : 1;
      this.mortality = dice.nextBoolean() ? 0 : 20 + dice.nextInt(60);
      this.lane =
          new Lane(
              dice.nextBoolean() ? 10 : 1_000,
              1 + dice.nextInt(8),
              TimeUnit.HOURS.toNanos(1),
              new Lane.Supervisor() {
                @Override
                public void onClaimed(Runner runner, long request) {
                  actor.add(() -> claimed(runner, request));
                }

                @Override
                public void onNobodyThere() {
                  // Somebody comes.
                }
              },
              () -> new Overloaded("stress", 0, 0, ""));
      // So often that its calls are known to be short, and travel together.
      for (int i = 0; i < 150; i++) {
        lane.measured(call(new Random(1)), 1);
      }
      calls.clear();
    }

    void hire() {
      var worker =
          new StressedWorker(
              numbers++, concurrency, lane, dice.nextLong(), mortality, journal, this::gone);
      workers.put(worker.runner(), worker);
      alive.add(worker);
      crew.threads().execute(worker::live);
      lane.admit(worker.runner());
    }

    private void gone(StressedWorker worker) {
      actor.add(
          () -> {
            lane.remove(worker.runner());
            alive.remove(worker);
            if (!ending.get() || !calls.stream().allMatch(PendingCall::isDone)) {
              hire();
            }
          });
    }

    /** A worker is out: it is lent for a few calls, or goes back. */
    private void claimed(Runner runner, long request) {
      if (request > 0 && Boolean.TRUE.equals(claims.put(request, true))) {
        throw new AssertionError("claim " + request + " was told twice");
      }
      var lease = new Lease(runner.id().slot(), 1, ++requests + 1_000_000);
      if (!runner.isOpen()) {
        return;
      }
      if (!runner.lend(lease)) {
        throw new AssertionError(runner + " was handed out and is not idle");
      }
      for (int i = dice.nextInt(3); i > 0; i--) {
        PendingCall call = call(dice);
        if (!runner.startLeased(lease, call)) {
          call.fail(new Cancelled("m:f", false, "the lease has ended"));
        }
      }
      actor.add(() -> giveBack(runner, lease));
    }

    private void giveBack(Runner runner, Lease lease) {
      switch (runner.reclaim(lease)) {
        case BUSY -> workers.get(runner).kill();
        case NOT_OWNED -> {
          // It died.
        }
        default -> lane.admit(runner);
      }
    }

    PendingCall call(Random random) {
      Call call = Call.of("m:f");
      if (random.nextInt(4) == 0) {
        call = call.idempotent(1);
      }
      long now = System.nanoTime();
      long patience =
          random.nextInt(6) == 0 ? random.nextInt(2_000_000) : TimeUnit.SECONDS.toNanos(100);
      var pending =
          new PendingCall(
              "c", call, Payload.plain(new byte[] {'1'}), now, now + patience, Dialogue.NONE);
      calls.add(pending);
      return pending;
    }

    /** The pool's actor: its messages, its ticks, and a claim now and then. */
    void act() throws InterruptedException {
      while (!ending.get() || !actor.isEmpty() || !calls.stream().allMatch(PendingCall::isDone)) {
        Runnable message = actor.poll(100, TimeUnit.MICROSECONDS);
        if (message != null) {
          message.run();
        }
        long now = System.nanoTime();
        lane.expire(now);
        alive.forEach(worker -> worker.runner().tend(now));
        if (!ending.get() && dice.nextInt(8) == 0) {
          claim();
        }
      }
    }

    private void claim() {
      long request = ++requests;
      switch (dice.nextInt(3)) {
        case 0 -> lane.claimAny(request, null, dice.nextBoolean());
        case 1 -> alive.stream().findAny().ifPresent(worker -> lane.claim(worker.runner()));
        default -> {
          lane.claimAny(request, null, false);
          lane.unclaim(request);
        }
      }
    }

    void callSome(Random random) {
      List<PendingCall> mine = new ArrayList<>();
      for (int i = 0; i < CALLS; i++) {
        PendingCall call = call(random);
        mine.add(call);
        lane.offer(call);
        PendingCall some = mine.get(random.nextInt(mine.size()));
        switch (random.nextInt(12)) {
          case 0 -> some.cancel("by its caller");
          case 1 -> call.cancel("at once");
          case 2 -> some.abandon(new Cancelled("m:f", true, "given up"), random.nextInt(8) == 0);
          default -> {
            // It waits.
          }
        }
      }
    }
  }

  @Test
  void everyCallHasOneTrueOutcomeAndNothingIsLeftOver() {
    Rounds.play("lane, runners, calls", LaneStressTest::round);
  }

  private static void round(Random dice, Rounds crew) throws Exception {
    var scene = new Scene(dice, crew);
    for (int i = 0; i < WORKERS; i++) {
      scene.hire();
    }
    var callers = new AtomicInteger(CALLERS);
    List<Part> parts = new ArrayList<>();
    parts.add(scene::act);
    for (int i = 0; i < CALLERS; i++) {
      var random = new Random(dice.nextLong());
      parts.add(
          () -> {
            scene.callSome(random);
            if (callers.decrementAndGet() == 0) {
              scene.ending.set(true);
            }
          });
    }
    crew.atOnce(parts);
    checkOutcomes(scene);
    checkNothingIsLeft(scene);
    scene.alive.forEach(StressedWorker::kill);
  }

  private static void checkOutcomes(Scene scene) {
    for (PendingCall call : scene.calls) {
      AtomicInteger ran = scene.journal.get(call.body());
      int times = ran == null ? 0 : ran.get();
      assertThat(times).as("executions").isLessThanOrEqualTo(1 + call.call().retries());
      try {
        // It is decided; whoever decided it may be about to say so.
        call.answer().orTimeout(10, TimeUnit.SECONDS).join();
        assertThat(times).as("executions of one that succeeded").isPositive();
      } catch (CompletionException failed) {
        if (saysItNeverRan((PythonFailure) failed.getCause())) {
          assertThat(times).as("executions of one that says: " + failed.getCause()).isZero();
        }
      }
    }
  }

  private static boolean saysItNeverRan(PythonFailure failure) {
    return failure instanceof Overloaded
        || failure instanceof Cancelled cancelled && !cancelled.started()
        || failure instanceof PythonFailure.WorkerLost lost && !lost.started()
        || failure instanceof DeadlineExceeded late
            && late.phase() == DeadlineExceeded.Phase.QUEUED;
  }

  private static void checkNothingIsLeft(Scene scene) throws InterruptedException {
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
    while (!isAtRest(scene) && System.nanoTime() - until < 0) {
      Runnable message = scene.actor.poll(1, TimeUnit.MILLISECONDS);
      if (message != null) {
        message.run();
      }
    }
    assertThat(scene.lane.waiting()).as("calls that wait").isZero();
    assertThat(scene.lane.waitingSince()).as("since when one waits").isEmpty();
    assertThat(scene.lane.idle()).as("idle workers").hasSize(scene.alive.size());
  }

  private static boolean isAtRest(Scene scene) {
    return scene.actor.isEmpty()
        && scene.lane.waiting() == 0
        && scene.lane.idle().size() == scene.alive.size();
  }
}

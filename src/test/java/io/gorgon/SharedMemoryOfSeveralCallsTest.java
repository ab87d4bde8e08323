package io.gorgon;

import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.connection.SharedFigures;
import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure.PythonRaised;
import io.gorgon.message.PythonFailure.WorkerLost;
import io.gorgon.message.Reply;
import io.gorgon.proving.TestPool;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The same in workers that run several calls at once, and what can go wrong there only. */
class SharedMemoryOfSeveralCallsTest extends SharedMemoryTest {

  private static final List<String> WAYS = List.of("same", "part", "new", "keep", "fail");

  @Override
  String setting() {
    return "concurrency = 8";
  }

  @Override
  boolean neighboursGoDownWithACall() {
    return true;
  }

  /** A caller that checks every byte, and keeps some answers in borrowed memory for a while. */
  private final class Caller {
    private final Random random;
    private final Queue<Runnable> borrowed = new ArrayDeque<>();
    private final AtomicInteger lost;

    Caller(long seed, AtomicInteger lost) {
      this.random = new Random(seed);
      this.lost = lost;
    }

    void run(int calls) {
      for (int i = 0; i < calls; i++) {
        int size = 66_000 + random.nextInt(150_000);
        int fill = random.nextInt(256);
        String way = WAYS.get(random.nextInt(WAYS.size()));
        String function = random.nextBoolean() ? "pass_on" : "pass_on_async";
        Call call = Call.of("shared:" + function, array(size, fill), fill, way);
        boolean borrows = random.nextInt(4) == 0;
        try {
          Reply reply = pool.call(borrows ? call.borrowing() : call).join();
          check(reply, size - (way.equals("part") ? 1_000 : 0), fill);
        } catch (WorkerLost died) {
          lost.incrementAndGet();
        } catch (PythonRaised raised) {
          assertThat(raised).hasMessageContaining("of " + size + " bytes");
          assertThat(way).isEqualTo("fail");
        }
      }
      borrowed.forEach(Runnable::run);
    }

    private void check(Reply reply, int size, int fill) {
      byte[] expected = array(size, fill).toByteArray();
      assertThat(bytes(reply)).isEqualTo(expected);
      if (reply.isBorrowed()) {
        borrowed.add(
            () -> {
              assertThat(bytes(reply)).as("while it was borrowed").isEqualTo(expected);
              reply.close();
            });
        if (borrowed.size() > 3) {
          borrowed.remove().run();
        }
      }
    }
  }

  private AtomicInteger callOften(int callers, int calls) {
    var lost = new AtomicInteger();
    List<CompletableFuture<Void>> running = new ArrayList<>();
    for (int i = 0; i < callers; i++) {
      long seed = i + 1;
      running.add(
          CompletableFuture.runAsync(
              () -> new Caller(seed, lost).run(calls), r -> new Thread(r).start()));
    }
    running.forEach(one -> one.orTimeout(120, TimeUnit.SECONDS).join());
    return lost;
  }

  @Test
  void nobodySeesAnothersBytesInThousandsOfCallsWhileSomeAreKept() throws IOException {
    AtomicInteger lost = callOften(8, 500);

    assertThat(lost).hasValue(0);
    assertThat(call("strange").as(Integer.class)).isZero();
    call("release");
    SharedFigures after = figures();
    assertThat(after.made()).isGreaterThan(8);
    assertThat(after.segments()).isLessThan(8 + 8 * 4 + 16);
    until(() -> call("mappings").as(Integer.class) <= figures().segments());
    assertThat(kept()).isEqualTo(figures().segments() + 1); // one is for workers to try
    until(
        () -> {
          System.gc();
          return mappings() <= figures().segments() + 2; // of tests before
        });
  }

  @Test
  void norWhereWorkersDieBetweenThem() throws IOException {
    restart("min-workers = 2, max-workers = 2", "restart.budget = 1000");
    var killing =
        CompletableFuture.runAsync(
            () -> {
              for (int i = 0; i < 12; i++) {
                pool.call(Call.of("shared:kill_self", array(100_000, i)))
                    .toCompletableFuture()
                    .handle((reply, failure) -> reply)
                    .join();
                tested.awaitEvents(PoolEvent.WorkerReady.class, i + 3);
              }
            },
            r -> new Thread(r).start());
    AtomicInteger lost = callOften(8, 300);
    get(killing);

    assertThat(lost.get()).isBetween(1, 12 * 8);
    for (int i = 0; i < 20; i++) {
      assertThat(call("strange").as(Integer.class)).isZero();
    }
    for (int i = 0; i < 20; i++) {
      call("release");
    }
    assertThat(figures().retired()).isPositive();
    until(() -> figures().segments() - figures().free() <= 2 * 16);
    assertThat(kept()).isEqualTo(figures().segments() + 1);
    until(
        () -> {
          System.gc();
          return mappings() <= figures().segments() + 2;
        });
  }

  @Test
  void whatEndsInSeveralThreadsAtOnceIsGivenBackAtOnce() {
    List<RunningCall> calls = new ArrayList<>();
    for (int round = 0; round < 60; round++) {
      int fill = round;
      calls.clear();
      IntStream.range(0, 8)
          .forEach(
              i -> {
                String function = i % 2 == 0 ? "pass_on" : "pass_on_async";
                String way = List.of("same", "part", "new", "fail").get(i / 2);
                calls.add(
                    pool.call(Call.of("shared:" + function, array(100_000, fill), fill, way)));
              });
      calls.forEach(call -> call.toCompletableFuture().handle((reply, failure) -> reply).join());
    }
    assertThat(figures().retired()).isZero();
    assertThat(figures().made()).isLessThanOrEqualTo(8 + 16);
  }

  @Test
  void manySmallSegmentsForResultsMakeRoomForBiggerOnes() {
    Queue<Reply> borrowed = new ArrayDeque<>();
    until(
        () -> {
          Reply reply = pool.call(Call.of("shared:fresh", 70_000, 1).borrowing()).join();
          if (reply.isBorrowed()) {
            borrowed.add(reply);
          }
          return borrowed.size() == 16;
        });
    borrowed.forEach(Reply::close);

    warmUpResults(4 * MEBI);
    assertThat(bytes(call("fresh", 4 * MEBI, 9))).isEqualTo(array(4 * MEBI, 9).toByteArray());
    assertThat(figures().retired()).isZero();
  }

  @Test
  void aForkInOneOfThemKeepsTheSegmentsOfAll() {
    warmUp(200_000);
    callSeveral(7);
    long before = figures().retired();
    List<RunningCall> held =
        IntStream.range(0, 7)
            .mapToObj(i -> pool.call(Call.of("shared:hold_at_gate", array(200_000, i))))
            .toList();
    int child = call("fork_and_scribble_at_all", 7, 238).as(Integer.class);
    held.forEach(call -> assertThat(get(call).as(Boolean.class)).isTrue());

    for (int i = 0; i < 200; i++) {
      int fill = i % 100;
      assertThat(bytes(call("echo", array(200_000, fill))))
          .isEqualTo(array(200_000, fill).toByteArray());
    }
    assertThat(figures().retired()).isGreaterThan(before);
    ProcessHandle.of(child).ifPresent(ProcessHandle::destroyForcibly);
  }

  /** So that there are as many segments. */
  private void callSeveral(int count) {
    until(
        () -> {
          List<RunningCall> calls =
              IntStream.range(0, count)
                  .mapToObj(i -> pool.call(Call.of("shared:pass_on", array(200_000, 1), 1, "same")))
                  .toList();
          calls.forEach(TestPool::get);
          return figures().segments() >= count;
        });
  }
}

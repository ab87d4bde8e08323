package io.gorgon.scoreboard;

import io.gorgon.PythonPool;
import io.gorgon.message.Call;
import io.gorgon.proving.TestPool;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Row 8: JVMs that are killed while their pools are busy, and who is alive a second later. */
public final class KilledJvms {

  private static final long A_SECOND = TimeUnit.SECONDS.toNanos(1);

  private KilledJvms() {}

  /** The JVM that is killed: a busy pool that says which processes it has. */
  static final class Victim {
    public static void main(String[] arguments) {
      TestPool tested =
          TestPool.start("min-workers = 3, max-workers = 3, preload = [targets]").awaitReady(3);
      PythonPool pool = tested.pool();
      Object daemon = pool.call(Call.of("targets:daemon_child", 60)).join().as(Long.class);
      Object child = pool.call(Call.of("targets:subprocess_child", 60)).join().as(Long.class);
      var pids = new ArrayList<Object>(List.of(daemon, child));
      tested.stats().workers().forEach(worker -> pids.add(worker.pid()));
      ProcessHandle keeper =
          ProcessHandle.of((Long) pids.get(2)).flatMap(ProcessHandle::parent).orElseThrow();
      pids.add(keeper.pid());
      // The template, which is a child of the keeper as the workers are.
      keeper
          .children()
          .map(ProcessHandle::pid)
          .filter(relative -> !pids.contains(relative))
          .forEach(pids::add);
      pool.call(Call.of("targets:hang_in_c"));
      pool.call(Call.of("targets:spin", 60));
      System.out.println("pids " + pids.stream().map(Object::toString).toList());
      System.out.flush();
      while (true) {
        pool.call(Call.of("targets:echo", 1)).join();
      }
    }
  }

  /**
   * Kills so many, one after the other.
   *
   * @return the processes that were still alive when their second was over
   */
  public static List<Long> kill(int jvms, Random random) throws IOException, InterruptedException {
    List<Long> left = new ArrayList<>();
    for (int i = 0; i < jvms; i++) {
      Process jvm =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-Xmx256m",
                  "-XX:TieredStopAtLevel=1",
                  "-cp",
                  System.getProperty("java.class.path"),
                  Victim.class.getName())
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      List<Long> pids = pidsOf(jvm);
      if (pids.size() != 7 || !pids.stream().allMatch(ProcessTable::isAlive)) {
        throw new AssertionError("not all seven were there before the kill: " + pids);
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(random.nextInt(60)));

      long killed = System.nanoTime();
      jvm.destroyForcibly().waitFor();

      List<Long> alive = pids;
      while (!alive.isEmpty() && System.nanoTime() - killed < A_SECOND) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
        alive = alive.stream().filter(ProcessTable::isAlive).toList();
      }
      left.addAll(alive);
    }
    return left;
  }

  private static List<Long> pidsOf(Process jvm) throws IOException {
    var lines =
        new BufferedReader(new InputStreamReader(jvm.getInputStream(), StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      if (line.startsWith("pids ")) {
        List<Long> pids = new ArrayList<>();
        for (String pid : line.replaceAll("[^0-9,]", "").split(",")) {
          pids.add(Long.parseLong(pid));
        }
        return pids;
      }
    }
    throw new AssertionError("the victim ended before it was killed");
  }
}

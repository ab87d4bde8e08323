package io.gorgon;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Call;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
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
import org.junit.jupiter.api.Test;

/** Whatever way the JVM ends, no process of ours is alive a second later. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class JvmKillTest {

  private static final int KILLS = 20;

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

  @Test
  void row33_row39_killMinusNineLeavesNobody() throws IOException, InterruptedException {
    var random = new Random(20);
    for (int i = 0; i < KILLS; i++) {
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
      assertThat(pids).hasSize(7).allMatch(FaultsTest::isAlive);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(random.nextInt(60)));

      jvm.destroyForcibly().waitFor();

      pids.forEach(FaultsTest::awaitDead);
    }
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

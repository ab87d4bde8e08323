package io.gorgon.session.durable;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.session.SessionState;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What was acknowledged is there after {@code kill -9}, in the embedded H2 file. */
@Tag("scoreboard")
class KilledJvmTest {

  private static final int KILLS = 50;

  /** The JVM that is killed: it says the version it finds, then each that it has kept. */
  static final class Victim {
    public static void main(String[] arguments) {
      // Space is used again at once, not after 45 seconds: what a long life does to the file.
      String settings =
          H2StoreTest.settings(Path.of(arguments[0]))
              .replace("WRITE_DELAY=0", "WRITE_DELAY=0;RETENTION_TIME=0");
      var system = TwoSystems.system(settings);
      var store = new DurableStore(system, "killed");
      long version =
          SessionStoreContract.get(store.load("k")).map(SessionState::version).orElse(0L);
      System.out.println("kept " + version);
      while (true) {
        version++;
        var next =
            SessionStoreContract.state("k", version, Map.of("v", new byte[(int) version % 2_000]));
        SessionStoreContract.get(store.save(next));
        System.out.println("kept " + version);
      }
    }
  }

  @Test
  @Timeout(value = 5, unit = TimeUnit.MINUTES)
  void nothingThatWasAcknowledgedIsMissingAfterFiftyKills(@TempDir Path directory)
      throws IOException, InterruptedException {
    var random = new Random(50);
    long acknowledged = 0;
    for (int i = 0; i <= KILLS; i++) {
      Process jvm = victim(directory);
      try (var lines =
          new BufferedReader(new InputStreamReader(jvm.getInputStream(), StandardCharsets.UTF_8))) {
        long found = version(lines.readLine());
        // One that was not acknowledged any more may have been kept.
        assertThat(found).as("after kill " + i).isBetween(acknowledged, acknowledged + 1);
        acknowledged = found;
        long until = found + 1 + random.nextInt(20);
        while (acknowledged < until) {
          acknowledged = version(lines.readLine());
        }
        jvm.toHandle().destroyForcibly(); // unlike that of the process, leaves its words readable
        // What it has said before it died.
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          acknowledged = line.startsWith("kept ") ? version(line) : acknowledged;
        }
      } finally {
        jvm.destroyForcibly().waitFor();
      }
    }
    assertThat(acknowledged).isGreaterThan(KILLS);
  }

  private static long version(String line) {
    assertThat(line).as("what the victim says").startsWith("kept ");
    return Long.parseLong(line.substring("kept ".length()));
  }

  private static Process victim(Path directory) throws IOException {
    return new ProcessBuilder(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-Xshare:auto",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                Victim.class.getName(),
                directory.toString()))
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
  }
}

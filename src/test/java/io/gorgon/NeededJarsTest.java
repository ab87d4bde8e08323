package io.gorgon;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Call;
import io.gorgon.message.PythonFailure.InvalidSettings;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** A JVM without the optional jars of the durable store. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class NeededJarsTest {

  /** Says why the durable store cannot be had, and that the other one can. */
  static final class Bare {
    public static void main(String[] arguments) {
      try (TestPool pool = TestPool.start("session.store = durable")) {
        System.out.println("it was started: " + pool.pool().name());
      } catch (InvalidSettings refused) {
        System.out.println("refused: " + refused.getMessage());
      }
      try (TestPool pool = TestPool.start()) {
        var call = pool.pool().session("s").call(Call.of("sessions:increment"));
        System.out.println("in memory: " + call.join().as(Integer.class));
      }
      Runtime.getRuntime().halt(0); // the first pool's system is still there
    }
  }

  @Test
  void whatIsMissingIsNamed() throws IOException, InterruptedException {
    assertThat(said("pekko-persistence-jdbc", "HikariCP"))
        .contains("setting 'gorgon.pools.test1.session.store'")
        .contains("com.zaxxer:HikariCP, org.apache.pekko:pekko-persistence-jdbc")
        .doesNotContain("slick:");
  }

  @Test
  void withoutAnyOfThemAllAreNamedAndTheMemoryStoreWorks()
      throws IOException, InterruptedException {
    assertThat(said("pekko-persistence", "slick", "HikariCP", "h2-", "postgresql-"))
        .contains("com.h2database:h2")
        .contains("com.typesafe.slick:slick")
        .contains("pekko-persistence-query")
        .contains("in memory: 1");
  }

  private static String said(String... missing) throws IOException, InterruptedException {
    String left =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(
                entry ->
                    List.of(missing).stream()
                        .noneMatch(jar -> Path.of(entry).getFileName().toString().startsWith(jar)))
            .collect(Collectors.joining(File.pathSeparator));
    Process jvm =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                left,
                Bare.class.getName())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String said = new String(jvm.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    jvm.waitFor();
    return said;
  }
}

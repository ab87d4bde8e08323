package io.gorgon.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Only what carries the mark and is young enough is ended. */
@EnabledOnOs(OS.LINUX)
class SurvivorsTest {

  private final String token = UUID.randomUUID().toString();
  private final List<Process> started = new ArrayList<>();

  private Process sleeper(String name, String value) throws IOException {
    var builder = new ProcessBuilder("sleep", "60");
    builder.environment().put(name, value);
    Process process = builder.start();
    started.add(process);
    return process;
  }

  @AfterEach
  void endAll() {
    started.forEach(Process::destroyForcibly);
  }

  private void kill(Instant since) {
    Survivors.kill("SURVIVORS_TEST=" + token, since);
  }

  @Test
  void everyProcessThatCarriesTheMarkIsEnded() throws Exception {
    Instant since = Instant.now();
    Process one = sleeper("SURVIVORS_TEST", token);
    Process two = sleeper("SURVIVORS_TEST", token);

    kill(since);

    assertThat(one.waitFor(10, TimeUnit.SECONDS)).isTrue();
    assertThat(two.waitFor(10, TimeUnit.SECONDS)).isTrue();
    assertThat(one.exitValue()).isEqualTo(128 + 9);
  }

  @Test
  void aMarkThatIsOnlyAPartOfAnotherHitsNobody() throws Exception {
    Instant since = Instant.now();
    List<Process> strangers =
        List.of(
            sleeper("SURVIVORS_TEST", token + "0"),
            sleeper("NOT_SURVIVORS_TEST", token),
            sleeper("OTHER", "SURVIVORS_TEST=" + token),
            sleeper("SURVIVORS_TEST", UUID.randomUUID().toString()));
    Process marked = sleeper("SURVIVORS_TEST", token);

    kill(since);

    assertThat(marked.waitFor(10, TimeUnit.SECONDS)).isTrue();
    assertThat(strangers).allMatch(Process::isAlive);
  }

  @Test
  void aProcessFromBeforeTheRunIsNotTouched() throws Exception {
    Process marked = sleeper("SURVIVORS_TEST", token);

    kill(Instant.now().plus(Duration.ofMinutes(1)));
    assertThat(marked.isAlive()).isTrue();

    kill(Instant.now().minus(Duration.ofMinutes(1)));
    assertThat(marked.waitFor(10, TimeUnit.SECONDS)).isTrue();
  }
}

package io.gorgon.session.durable;

import java.nio.file.Path;
import org.apache.pekko.actor.typed.ActorSystem;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

class H2StoreTest implements TwoSystems {

  @TempDir private static Path directory;

  private static ActorSystem<?> one;
  private static ActorSystem<?> other;

  static String settings(Path directory) {
    return "gorgon.session-store { create-schema = on, url = \"jdbc:h2:file:"
        + directory.resolve("sessions")
        + ";WRITE_DELAY=0\" }";
  }

  @BeforeAll
  static void start() {
    one = TwoSystems.system(settings(directory));
    other = TwoSystems.system(settings(directory));
  }

  @AfterAll
  static void stop() {
    TwoSystems.end(one);
    TwoSystems.end(other);
  }

  @Override
  public ActorSystem<?> one() {
    return one;
  }

  @Override
  public ActorSystem<?> other() {
    return other;
  }
}

package io.gorgon.session.durable;

import io.gorgon.testkit.TestPostgres;
import org.apache.pekko.actor.typed.ActorSystem;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

class PostgresStoreTest implements TwoSystems {

  private static TestPostgres postgres;
  private static ActorSystem<?> one;
  private static ActorSystem<?> other;

  @BeforeAll
  static void start() {
    postgres = TestPostgres.start();
    one = TwoSystems.system(postgres.settings());
    other = TwoSystems.system(postgres.settings());
  }

  @AfterAll
  static void stop() {
    TwoSystems.end(one);
    TwoSystems.end(other);
    postgres.close();
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

package io.gorgon.pool;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.gorgon.connection.Connection;
import io.gorgon.pool.HandOver.Problem;
import io.gorgon.wire.Frame;
import io.gorgon.worker.Runner;
import io.gorgon.worker.Runners;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/**
 * The last look at a worker before it is handed over: each case, its reason, how loud it is said.
 */
class HandOverTest {

  private static final Lease LEASE = new Lease(0, 1, 17);

  private final Logger log = (Logger) LoggerFactory.getLogger("hand-over-" + System.nanoTime());
  private final ListAppender<ILoggingEvent> said = new ListAppender<>();
  private boolean open = true;
  private boolean alive = true;
  private boolean broken;

  private final Runner runner =
      Runners.on(
          new Connection() {
            @Override
            public long send(List<Frame> frames) {
              throw new AssertionError("nothing is sent at a hand-over");
            }

            @Override
            public void noteRead(long position) {
              // Nothing is sent.
            }

            @Override
            public void markWithdrawn(long id) {
              // Nothing runs.
            }

            @Override
            public boolean isOpen() {
              return open;
            }

            @Override
            public boolean isAlive() {
              if (broken) {
                throw new IllegalStateException("scripted");
              }
              return alive;
            }

            @Override
            public long lastStarted() {
              return 0;
            }

            @Override
            public void markCancelled(long id) {
              // Nothing runs.
            }

            @Override
            public void interrupt() {
              // Nothing runs.
            }

            @Override
            public void terminate() {
              // Nothing runs.
            }

            @Override
            public void kill() {
              // Nothing runs.
            }
          });

  @BeforeEach
  void listen() {
    log.setLevel(Level.DEBUG);
    log.setAdditive(false);
    said.start();
    log.addAppender(said);
  }

  @AfterEach
  void stopListening() {
    log.detachAppender(said);
  }

  private Optional<Problem> lend(BooleanSupplier ownerAlive) {
    return HandOver.lend(runner, LEASE, ownerAlive, log);
  }

  private void assertSaid(Level level, Problem problem) {
    assertThat(said.list).hasSize(1);
    assertThat(said.list.get(0).getLevel()).isEqualTo(level);
    assertThat(said.list.get(0).getFormattedMessage())
        .contains(problem.toString())
        .contains("test/0.1");
    assertThat(runner.isLentTo(LEASE)).isFalse();
  }

  @Test
  void aWellWorkerIsLentWithoutAWord() {
    assertThat(lend(() -> true)).isEmpty();
    assertThat(runner.isLentTo(LEASE)).isTrue();
    assertThat(said.list).isEmpty();
  }

  @Test
  void aClosedConnectionIsAWarning() {
    open = false;
    assertThat(lend(() -> true)).contains(Problem.CONNECTION_CLOSED);
    assertSaid(Level.WARN, Problem.CONNECTION_CLOSED);
  }

  @Test
  void aDeadProcessIsAWarning() {
    alive = false;
    assertThat(lend(() -> true)).contains(Problem.PROCESS_DEAD);
    assertSaid(Level.WARN, Problem.PROCESS_DEAD);
  }

  @Test
  void aWorkerThatSomebodyElseHasIsAnError() {
    assertThat(runner.lend(new Lease(0, 1, 16))).isTrue();
    assertThat(lend(() -> true)).contains(Problem.NOT_OWNED);
    assertSaid(Level.ERROR, Problem.NOT_OWNED);
  }

  @Test
  void anOwnerThatDiedMeanwhileIsNoNews() {
    assertThat(lend(() -> false)).contains(Problem.OWNER_DEAD);
    assertSaid(Level.DEBUG, Problem.OWNER_DEAD);
  }

  @Test
  void anythingElseThatIsThrownIsAnErrorWithItsCause() {
    broken = true;
    assertThat(lend(() -> true)).contains(Problem.UNEXPECTED);
    assertSaid(Level.ERROR, Problem.UNEXPECTED);
    assertThat(said.list.get(0).getThrowableProxy().getMessage()).isEqualTo("scripted");
  }
}

package io.gorgon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gorgon.message.Progress;
import io.gorgon.message.PythonFailure.ProtocolViolation;
import io.gorgon.wire.Frame;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

/** Who hears what of a call's progress. */
class ProgressFeedTest {

  private final ProgressFeed feed = new ProgressFeed();
  private final List<Progress> heard = new ArrayList<>();

  private void tell(String body) {
    feed.onProgress(Frame.of(Frame.Kind.PROGRESS, 1, body.getBytes(StandardCharsets.UTF_8)));
  }

  private static Progress done(double done) {
    return new Progress(done, OptionalDouble.empty(), Optional.empty());
  }

  @Test
  void whoListensHearsEachInItsOrder() {
    feed.subscribe(heard::add);
    tell("{\"done\":1}");
    tell("{\"done\":2.5}");

    assertThat(heard).containsExactly(done(1), done(2.5));
  }

  @Test
  void whoComesLateHearsTheLastOneAndThoseToCome() {
    tell("{\"done\":1}");
    tell("{\"done\":2}");
    feed.subscribe(heard::add);
    tell("{\"done\":3}");

    assertThat(heard).containsExactly(done(2), done(3));
  }

  @Test
  void whoComesBeforeAnythingHearsNothingYet() {
    feed.subscribe(heard::add);

    assertThat(heard).isEmpty();
  }

  @Test
  void whoLeavesHearsNoMoreAndTheOthersDo() {
    List<Progress> other = new ArrayList<>();
    Runnable leave = feed.subscribe(heard::add);
    feed.subscribe(other::add);
    tell("{\"done\":1}");
    leave.run();
    tell("{\"done\":2}");

    assertThat(heard).containsExactly(done(1));
    assertThat(other).containsExactly(done(1), done(2));
  }

  @Test
  void whatIsToldWhileSomebodyIsToldOfTheLastOneIsNotMissed() throws InterruptedException {
    tell("{\"done\":1}");
    var next = new Thread(() -> tell("{\"done\":2}"));

    feed.subscribe(
        progress -> {
          heard.add(progress);
          if (next.getState() == Thread.State.NEW) {
            // Between the last one and those to come: it ends now, or waits until this one has.
            next.start();
            while (next.getState() == Thread.State.RUNNABLE
                || next.getState() == Thread.State.NEW) {
              Thread.onSpinWait();
            }
          }
        });
    next.join();

    assertThat(heard).containsExactly(done(1), done(2));
  }

  @Test
  void totalAndNoteAreThereIfPythonGaveThem() {
    feed.subscribe(heard::add);
    tell("{\"done\":1,\"total\":4,\"note\":\"n\"}");
    tell("{\"done\":1,\"total\":null,\"note\":null}");

    assertThat(heard)
        .containsExactly(new Progress(1, OptionalDouble.of(4), Optional.of("n")), done(1));
  }

  @Test
  void whatCannotBeReadBreaksTheProtocol() {
    feed.subscribe(heard::add);

    assertThatThrownBy(() -> tell("{\"done\":")).isInstanceOf(ProtocolViolation.class);
    assertThat(heard).isEmpty();
  }
}

package io.gorgon.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import io.gorgon.PythonPool;
import io.gorgon.message.Attachment;
import io.gorgon.message.Call;
import io.gorgon.message.Reply;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.junit.jupiter.api.Test;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;

/** Each kind of leak, planted in a test class that is run for it, fails that class by its name. */
class LeaksTest {

  /** What the class and its tests failed with, all in one text. */
  private static String failuresOf(Class<?> testClass) {
    LauncherDiscoveryRequest request =
        LauncherDiscoveryRequestBuilder.request().selectors(selectClass(testClass)).build();
    var listener = new SummaryGeneratingListener();
    LauncherFactory.create().execute(request, listener);
    var text = new StringBuilder();
    listener
        .getSummary()
        .getFailures()
        .forEach(
            failure ->
                text.append(failure.getTestIdentifier().isContainer() ? "class: " : "test: ")
                    .append(failure.getException().getMessage())
                    .append('\n'));
    assertThat(listener.getSummary().getTestsStartedCount()).isEqualTo(1);
    return text.toString();
  }

  @ScriptedPython
  static class KeepsALease {
    @Test
    void test(ScriptedPool kit) {
      kit.get(kit.pool().checkout());
    }
  }

  @Test
  void aLeaseThatWasNotGivenBackIsNamed() {
    assertThat(failuresOf(KeepsALease.class))
        .startsWith("class: scripted pool (seed 1) left something over:")
        .contains("leaked lease: lease ", " of worker scripted/", "close the checkout");
  }

  @ScriptedPython
  static class KeepsAnActor {
    @Test
    void test(ActorSystem<?> system) {
      system.systemActorOf(Behaviors.ignore(), "forgotten", Props.empty());
    }
  }

  @Test
  void anActorThatLivesIsNamed() {
    assertThat(failuresOf(KeepsAnActor.class))
        .startsWith("class: ")
        .contains("leaked actor: /system/forgotten lives");
  }

  @ScriptedPython
  static class KeepsAScenario {
    @Test
    void test(Scenario scenario) {
      scenario.when(Phrases.call("m:f"));
    }
  }

  @Test
  void aScenarioThatNeverHappenedIsNamed() {
    assertThat(failuresOf(KeepsAScenario.class))
        .startsWith("class: ")
        .contains("leaked scenario: its last steps never happened", "when m:f[] is called");
  }

  @RealPython
  static class KeepsAThread {
    static final CountDownLatch NEVER = new CountDownLatch(1);

    @Test
    void test(RealPool kit) {
      kit.get(kit.pool().call(Call.of("gorgon_testkit:echo", 1)));
      var thread = new Thread(KeepsAThread::hold, kit.system().name() + "-forgotten");
      thread.setDaemon(true);
      thread.start();
    }

    private static void hold() {
      try {
        NEVER.await(1, TimeUnit.MINUTES);
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Test
  @NeedsLayer(Layer.BRIDGE_MOCK)
  void aThreadThatLivesIsNamed() {
    assertThat(failuresOf(KeepsAThread.class))
        .startsWith("class: ")
        .containsPattern("leaked thread: testkit\\d+-forgotten is alive, at ");
    KeepsAThread.NEVER.countDown();
  }

  @RealPython
  static class KeepsMemory {
    @Test
    void test(PythonPool pool, RealPool kit) {
      var big = Attachment.of(new double[1 << 17]);
      // The first one goes through the socket, and has memory made for the next.
      Reply reply;
      do {
        reply = kit.get(pool.call(Call.of("gorgon_testkit:echo", big).borrowing()));
        if (!reply.isBorrowed()) {
          reply.close();
        }
      } while (!reply.isBorrowed());
    }
  }

  @Test
  @NeedsLayer(Layer.BRIDGE_MOCK)
  void sharedMemoryThatIsLentIsNamed() {
    assertThat(failuresOf(KeepsMemory.class))
        .startsWith("class: ")
        .contains("leaked shared memory: 1 reply that borrows was not closed");
  }

  @RealPython
  static class KeepsAProcess {
    static Process forgotten;

    @Test
    void test(RealPool kit) throws IOException {
      var sleep =
          new ProcessBuilder("sleep", "60")
              .redirectErrorStream(true)
              .redirectOutput(Redirect.DISCARD);
      sleep.environment().put("GORGON_RUN", RunProcesses.tokenOf(kit.pid(0)));
      // One that lived before would be ended with the keeper, whose reader looks for what it left.
      kit.get(kit.pool().drain(Duration.ZERO));
      String reader = "gorgon-" + kit.pool().name() + "-keeper-reader";
      await()
          .until(
              () ->
                  Thread.getAllStackTraces().keySet().stream()
                      .noneMatch(thread -> thread.getName().equals(reader)));
      forgotten = sleep.start();
    }
  }

  @Test
  @NeedsLayer(Layer.BRIDGE_MOCK)
  void aProcessThatLivesIsNamed() {
    try {
      assertThat(failuresOf(KeepsAProcess.class))
          .startsWith("class: ")
          .contains("leaked process: " + KeepsAProcess.forgotten.pid() + " (sleep 60) is alive");
    } finally {
      KeepsAProcess.forgotten.destroyForcibly();
    }
  }

  @RealPython
  static class KeepsNothing {
    @Test
    void test(RealPool kit, PythonPool pool) {
      try (var checkout = kit.get(pool.checkout())) {
        kit.get(checkout.call(Call.of("gorgon_testkit:echo", 1)));
      }
      kit.mortal();
      kit.get(pool.session("s").call(Call.of("gorgon_testkit:echo", new double[1 << 17])));
    }
  }

  @Test
  @NeedsLayer(Layer.BRIDGE_MOCK)
  void aCleanTestClassPasses() {
    assertThat(failuresOf(KeepsNothing.class)).isEmpty();
  }
}

package io.gorgon.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.Session;
import io.gorgon.message.Call;
import io.gorgon.message.PythonFailure.CommitUnknown;
import io.gorgon.message.PythonFailure.PythonRaised;
import io.gorgon.message.PythonFailure.SessionExpired;
import io.gorgon.wire.Frame;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What scripted functions see of their sessions, and what becomes of that. */
@ScriptedPython(config = "session.ttl = 10m")
class ScriptedSessionTest {

  private static Map<String, Object> state(ScriptedPool kit, Session session) {
    return kit.get(session.state()).decoded();
  }

  @Test
  void aFunctionReadsAndChangesTheState(ScriptedPool kit) {
    kit.answers(
        "m:change",
        request -> {
          ScriptedSession session = request.session();
          assertThat(session.get("none", String.class)).isNull();
          session.put("list", List.of(1, "b"));
          session.put("bytes", new byte[] {1, 2});
          session.put("nothing", null);
          session.put("dropped", 1);
          session.remove("dropped");
          session.remove("never");
          return session.id() + session.names();
        });
    kit.answers(
        "m:look",
        request -> {
          ScriptedSession session = request.session();
          session.remove("list");
          return List.of(
              session.version(),
              session.has("list"),
              session.has("nothing"),
              session.get("bytes", byte[].class).length,
              session.getOr("none", "otherwise"));
        });
    Session session = kit.pool().session("seen");

    assertThat(kit.get(session.call(Call.of("m:change"))).as(String.class))
        .isEqualTo("seen[list, bytes, nothing]");
    assertThat(state(kit, session)).containsOnlyKeys("list", "bytes", "nothing");
    assertThat(kit.get(session.call(Call.of("m:look"))).value())
        .isEqualTo(List.of(1, false, true, 2, "otherwise"));
    assertThat(state(kit, session)).containsOnlyKeys("bytes", "nothing");
  }

  @Test
  void whatIsPutAgainIsNoChange(ScriptedPool kit) {
    kit.answers(
        "m:same",
        request -> {
          request.session().put("n", 1);
          request.session().checkpoint();
          request.session().checkpoint(); // nothing to keep
          return null;
        });
    Session session = kit.pool().session("same");
    kit.get(session.call(Call.of("m:same")));
    kit.get(session.call(Call.of("m:same")));

    assertThat(kit.get(session.state()).version()).isEqualTo(1);
  }

  @Test
  void whatRaisesChangesNothing(ScriptedPool kit) {
    kit.answers(
        "m:raise",
        request -> {
          request.session().put("n", 1);
          throw new ScriptedFunctions.Raised("ValueError", "no");
        });
    Session session = kit.pool().session("raises");

    kit.failure(session.call(Call.of("m:raise"))).raised("ValueError");

    assertThat(kit.get(session.state()).version()).isZero();
  }

  @Test
  void aCallOfNoSessionHasNone(ScriptedPool kit) {
    kit.answers("m:none", request -> request.session().id());

    kit.failure(kit.pool().call(Call.of("m:none")))
        .is(PythonRaised.class)
        .raised("gorgon.NotInSession")
        .raised("RuntimeError");
    assertThat(kit.requests("m:none").get(0).inSession()).isEmpty();
  }

  @Test
  void aWorkerCanBeAnsweredByHand(ScriptedPool kit) {
    kit.hangs("m:hand");
    var call = kit.pool().session("hand").call(Call.of("m:hand"));
    kit.settle();
    ScriptedConnection worker =
        kit.connector().alive().stream().filter(ScriptedConnection::isBusy).findFirst().get();

    worker.request().session().put("n", 7);
    worker.answer("done");

    assertThat(kit.get(call).as(String.class)).isEqualTo("done");
    assertThat(state(kit, kit.pool().session("hand"))).isEqualTo(Map.of("n", 7));
  }

  @Test
  void aWorkerIsSentTheStateOnce(ScriptedPool kit) {
    Session session = kit.pool().session("once");
    for (int n = 1; n <= 3; n++) {
      kit.get(session.call(Call.of("gorgon_testkit:add", "n")));
    }

    List<String> openings =
        kit.connector().opened().stream()
            .flatMap(worker -> worker.sent().stream())
            .filter(frame -> frame.kind() == Frame.Kind.SESSION)
            .map(frame -> new String(frame.body(), StandardCharsets.UTF_8))
            .filter(body -> body.contains("\"once\""))
            .toList();
    assertThat(openings).hasSize(3);
    assertThat(openings.stream().filter(body -> body.contains("names"))).hasSize(1);
  }

  @Test
  void aWorkerThatLacksTheStateSaysSo() {
    var shelf = new ScriptedShelf(patch -> {});
    byte[] body = "{\"session\":\"s\",\"birth\":1,\"version\":4}".getBytes(StandardCharsets.UTF_8);
    shelf.receive(Frame.of(Frame.Kind.SESSION, 9, body));

    assertThat(shelf.of(9).open()).isFalse();
    assertThat(shelf.of(8)).isNull();
  }

  @Test
  void timesToLiveAreVirtual(ScriptedPool kit) {
    Session session = kit.pool().session("short");
    kit.get(session.call(Call.of("gorgon_testkit:add", "n")));

    kit.passes(Duration.ofMinutes(9));
    assertThat(state(kit, session)).isEqualTo(Map.of("n", 1));
    kit.passes(Duration.ofMinutes(2));
    kit.failure(session.state()).is(SessionExpired.class);
    kit.passes(Duration.ofMinutes(5)); // the sweep takes out what nobody uses
    assertThat(kit.get(kit.store().kept("short"))).isEmpty();
  }

  @Test
  void theStoreTakesItsTimeByTheVirtualClock(ScriptedPool kit, FaultyStore store) {
    store.atNextCommitOf("late", new CommitFault.Late(Duration.ofMinutes(5)));
    Session session = kit.pool().session("late");
    var call = session.call(Call.of("gorgon_testkit:add", "n").withTimeout(Duration.ofMinutes(1)));

    kit.passes(Duration.ofSeconds(61));
    kit.failure(call).is(CommitUnknown.class).hadStarted(true);
    assertThat(kit.get(store.kept("late"))).isEmpty();
    kit.passes(Duration.ofMinutes(4));
    assertThat(kit.get(store.kept("late"))).isPresent();
  }
}

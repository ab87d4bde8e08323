package io.gorgon.cluster;

import com.typesafe.config.ConfigFactory;
import io.gorgon.message.Call;
import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.Reply;
import io.gorgon.message.WorkerId;
import io.gorgon.pool.PoolSettings;
import io.gorgon.pool.PoolStatus;
import io.gorgon.worker.Dialogue;
import io.gorgon.worker.PendingCall;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.apache.pekko.actor.testkit.typed.javadsl.TestInbox;

/** Nodes that are none, a clock that is moved, and a router that sends to them. */
final class Nodes {

  /** A call that was sent, and where. */
  record Sent(CallCrossing crossing, Station to) {}

  final List<Sent> sent = new ArrayList<>();
  final PoolSettings settings =
      PoolSettings.of(
          "p",
          ConfigFactory.parseString("queue-capacity = 2, call-timeout = 10s"),
          ConfigFactory.load());
  final Router router =
      new Router(settings, this::now, (crossing, to) -> sent.add(new Sent(crossing, to)));

  private long now = 1_000;
  private int calls;

  long now() {
    return now;
  }

  void pass(Duration time) {
    now += time.toNanos();
    router.tick();
  }

  /** A node that runs the pool and has told nothing of itself. */
  Station silent(String name) {
    var station = new Station(TestInbox.<Gate.Command>create(name).getRef(), null);
    router.add(station);
    return station;
  }

  /** A node with workers that are ready, and room for so many calls. */
  Station node(String name, int ready, int rooms) {
    Station station = silent(name);
    load(station, PoolStatus.RUNNING, ready, rooms, 0);
    return station;
  }

  /** This very node. */
  Station thisNode(int ready, int rooms) {
    var inbox = TestInbox.<Gate.Command>create("this");
    var station = new Station(inbox.getRef(), new Hosted(null, null, inbox.getRef()));
    router.add(station);
    load(station, PoolStatus.RUNNING, ready, rooms, 0);
    return station;
  }

  void load(Station station, PoolStatus status, int ready, int rooms, int others) {
    router.loaded(station.gate(), new Load(status, ready, rooms, others));
  }

  PendingCall pending(Call call) {
    return new PendingCall(
        "p-" + ++calls,
        call,
        Payload.plain(new byte[] {1}),
        now,
        now + Duration.ofSeconds(10).toNanos(),
        Dialogue.NONE);
  }

  /** Offers a call. */
  PendingCall offer(Call call) {
    PendingCall pending = pending(call);
    router.offer(pending, null);
    return pending;
  }

  PendingCall offer() {
    return offer(Call.of("m:f"));
  }

  /** The last that was sent. */
  Sent last() {
    return sent.get(sent.size() - 1);
  }

  static Reply reply() {
    return new Reply(
        "p-1", new WorkerId("p", 0, 1), 1, Duration.ZERO, Duration.ZERO, Payload.EMPTY);
  }

  static PythonFailure failure(PendingCall call) {
    if (!call.answer().isDone()) {
      throw new AssertionError("it has no answer yet");
    }
    try {
      call.answer().join();
      throw new AssertionError("it has a value");
    } catch (CompletionException failed) {
      return (PythonFailure) failed.getCause();
    }
  }
}

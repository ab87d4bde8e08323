package io.gorgon;

import io.gorgon.message.Call;
import io.gorgon.message.Chunk;
import io.gorgon.message.Elements;
import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.Request;
import io.gorgon.message.Values;
import io.gorgon.pool.Entrance;
import io.gorgon.pool.PoolSettings;
import io.gorgon.stream.ChunkSource;
import io.gorgon.stream.SourceFeeds;
import io.gorgon.tool.HostCalls;
import io.gorgon.tool.Nesting;
import io.gorgon.tool.Tools;
import io.gorgon.wire.FrameCodec;
import io.gorgon.worker.Dialogue;
import io.gorgon.worker.PendingCall;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.DispatcherSelector;
import org.apache.pekko.stream.SystemMaterializer;
import org.apache.pekko.stream.javadsl.Source;

/**
 * This makes the calls of one pool: encodes them, gives them their deadline and their part in the
 * dialogue, and sends them on whatever road their caller has. Thread-safe.
 */
final class CallDesk {

  private final ActorSystem<?> system;
  private final Entrance entrance;
  private final PoolSettings settings;
  private final Executor callbacks;
  private final Executor tools;

  CallDesk(ActorSystem<?> system, Entrance entrance) {
    this.system = system;
    this.entrance = entrance;
    this.settings = entrance.settings();
    this.callbacks =
        new Callbacks(
            system
                .dispatchers()
                .lookup(DispatcherSelector.fromConfig("gorgon.callback-dispatcher")));
    this.tools =
        system.dispatchers().lookup(DispatcherSelector.fromConfig("gorgon.tool-dispatcher"));
  }

  /** Runs what callers hang on their answers. */
  Executor callbacks() {
    return callbacks;
  }

  /** A call and what it tells of its progress. */
  private record Prepared(PendingCall call, CallDialogue dialogue) {}

  /**
   * Makes a call and sends it.
   *
   * @param tools what the caller offers besides the pool's own tools
   * @param road takes the call; it answers it where it cannot
   */
  RunningCall call(Call call, Tools tools, Consumer<PendingCall> road) {
    Prepared prepared = prepare(call, tools, Dialogue.NONE, 0);
    if (!prepared.call().isDone()) {
      road.accept(prepared.call());
    }
    return running(prepared);
  }

  /** Makes a stream of calls that are sent when it is run; see {@link #call}. */
  Source<Chunk, RunningCall> stream(Call call, Tools tools, Consumer<PendingCall> road) {
    int window = settings.streamWindow();
    return Source.fromGraph(
        new ChunkSource<>(
            new ChunkSource.Caller<RunningCall>() {
              @Override
              public ChunkSource.Prepared<RunningCall> prepare(Dialogue chunks) {
                Prepared prepared = CallDesk.this.prepare(call, tools, chunks, window);
                RunningCall running = running(prepared);
                return new ChunkSource.Prepared<>(prepared.call(), running.answer(), running);
              }

              @Override
              public void send(PendingCall pending) {
                if (!pending.isDone()) {
                  road.accept(pending);
                }
              }
            },
            window,
            call.idleTimeout().orElse(null),
            entrance.clock()));
  }

  private RunningCall running(Prepared prepared) {
    return new RunningCall(prepared.call(), prepared.dialogue(), entrance.exceptions(), callbacks);
  }

  private Prepared prepare(Call call, Tools tools, Dialogue chunks, int window) {
    long now = entrance.clock().getAsLong();
    long deadline = entrance.clock().after(call.timeout().orElse(settings.callTimeout()));
    String id = entrance.nextCallId();
    Nesting nesting = Nesting.current().orElse(null);
    int depth = 1;
    if (nesting != null) {
      depth = nesting.depth() + 1;
      deadline = nesting.deadline(deadline);
    }
    try {
      if (depth > settings.maxNesting()) {
        throw new PythonFailure.NestedTooDeep(call.target(), settings.maxNesting());
      }
      Request request = Values.encodeRequest(call, id, window);
      FrameCodec.fitting(
          "the request to " + call.target(), request.payload(), settings.launch().frameLimit());
      var dialogue = new CallDialogue(this, tools, depth, request.elements(), chunks);
      var pending = new PendingCall(id, call, request.payload(), now, deadline, dialogue);
      if (nesting != null) {
        nesting.tie(pending);
      }
      return new Prepared(pending, dialogue);
    } catch (PythonFailure refused) {
      var dialogue = new CallDialogue(this, tools, depth, List.of(), chunks);
      var failed = new PendingCall(id, call, Payload.EMPTY, now, now, dialogue);
      failed.fail(refused);
      return new Prepared(failed, dialogue);
    }
  }

  HostCalls hostCalls(Tools offered, int depth) {
    return new HostCalls(
        () -> entrance.tools().with(offered),
        depth,
        tools,
        entrance.clock(),
        settings.launch().frameLimit());
  }

  SourceFeeds sources(List<Elements> elements) {
    return new SourceFeeds(
        elements, SystemMaterializer.get(system).materializer(), settings.launch().frameLimit());
  }
}

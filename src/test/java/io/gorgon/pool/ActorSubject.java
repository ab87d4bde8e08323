package io.gorgon.pool;

import io.gorgon.PythonPool;
import io.gorgon.connection.Connection;
import io.gorgon.message.Call;
import io.gorgon.message.Exit;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.StartFailed;
import io.gorgon.message.Reply;
import io.gorgon.message.Values;
import io.gorgon.proving.TestPool;
import io.gorgon.testkit.Script;
import io.gorgon.testkit.ScriptedConnection;
import io.gorgon.testkit.ScriptedConnector;
import io.gorgon.testkit.VirtualTime;
import io.gorgon.worker.Dialogue;
import io.gorgon.worker.PendingCall;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.pattern.StatusReply;

/**
 * The real {@link Pool} with real worker actors, in virtual time, on processes that are scripted.
 */
final class ActorSubject implements Subject {

  private static final AtomicLong COUNT = new AtomicLong();
  private static final Duration TICK = Duration.ofNanos(Terms.TICK);
  private static final Object END = new Object();

  private final VirtualTime time;
  private final ScriptedConnector connector;
  private final PythonPool pool;
  private final List<ActorRef<Object>> actors = new ArrayList<>();

  private final List<String> ended = Collections.synchronizedList(new ArrayList<>());
  private final Map<Integer, List<StatusReply<Granted>>> answers = new TreeMap<>();
  private final Map<Integer, ActorRef<StatusReply<Granted>>> askers = new HashMap<>();
  private final Map<Integer, PendingCall> submitted = new TreeMap<>();
  private final List<CompletableFuture<Reply>> calls = new ArrayList<>();
  private final Set<ScriptedConnection> ready = new HashSet<>();

  /** Those that are dead, and nobody has been told. */
  private final Set<ScriptedConnection> unseen = new HashSet<>();

  private final Map<Integer, ActorRef<Object>> owners = new HashMap<>();
  private int requests;
  private int startMode;

  ActorSubject(VirtualTime time, boolean lazy) {
    this.time = time;
    this.connector = new ScriptedConnector(time.executor(), Script.silent());
    String name = "told" + COUNT.incrementAndGet();
    this.pool =
        PythonPool.start(
            time.system(),
            TestPool.settings(time.system(), name, Terms.settings(lazy)),
            time.clock(),
            () -> connector);
    tell(new Pool.Subscribe(actor(this::onEvent).narrow()));
    comeToRest();
  }

  private void onEvent(Object event) {
    if (event instanceof PoolEvent.LeaseEnded end) {
      var lease = new Lease(end.worker().slot(), end.worker().generation(), end.lease());
      ended.add(lease + " " + end.how());
    }
  }

  /** An actor that hands over what it is told, until it is told to end. */
  private ActorRef<Object> actor(Consumer<Object> what) {
    ActorRef<Object> actor =
        time.system()
            .systemActorOf(
                Behaviors.<Object>receiveMessage(
                    message -> {
                      if (message == END) {
                        return Behaviors.stopped();
                      }
                      what.accept(message);
                      return Behaviors.same();
                    }),
                "of-" + COUNT.incrementAndGet(),
                Props.empty());
    actors.add(actor);
    return actor;
  }

  private void tell(Pool.Command command) {
    pool.ref().tell(command);
  }

  // ---- steps

  @Override
  public void apply(Step step) {
    time.settle();
    ended.clear();
    int who = step.who();
    int how = step.how();
    switch (step.what()) {
      case ASK -> ask(Terms.kindOfCheckout(how), who, Terms.patience(how));
      case SUBMIT -> submit(Terms.kindOfCall(how));
      case CALL -> {
        var call = Call.of("m:c", calls.size() + 1);
        calls.add(pool.call(call).toCompletableFuture());
      }
      case ACKNOWLEDGE -> tell(new Pool.Acknowledge(lease(who)));
      case RENEW -> tell(new Pool.Renew(lease(who)));
      case USE -> tell(new Pool.Run(lease(who), Call.of("m:u", who), time.system().ignoreRef()));
      case RETURN -> {
        Lease lease = lease(who);
        long sequence = lease.sequence() + (how < 3 ? 0 : 1_000);
        tell(
            new Pool.Return(
                new Lease(lease.slot(), lease.generation(), sequence), Verdict.values()[how % 3]));
      }
      case CANCEL -> {
        if (submitted.containsKey(who)) {
          submitted.get(who).cancel("told to");
        } else {
          tell(new Pool.Cancel(askers.get(who)));
        }
      }
      case OWNER_DIES -> {
        ActorRef<Object> owner = owners.remove(who);
        if (owner != null) {
          owner.tell(END);
        }
      }
      case ANSWER -> process(who).answer(1);
      case EXIT -> {
        unseen.remove(process(who));
        process(who).dieBy(9);
      }
      case DIES -> {
        unseen.add(process(who));
        process(who).die();
      }
      case START -> start(process(who), how);
      case MODE -> startMode = how;
      case TIME -> {
        for (int tick = 0; tick < how; tick++) {
          time.passes(TICK);
          comeToRest();
        }
      }
      case RESIZE -> tell(new Pool.Resize(Terms.min(how), Terms.max(how)));
      case RESET -> tell(new Pool.Reset());
      case DRAIN ->
          tell(new Pool.Drain(Duration.ofNanos(Terms.drainTime(how)), time.system().ignoreRef()));
      case END_SESSION -> tell(new Pool.EndSession(Terms.session(who)));
    }
    comeToRest();
  }

  private void ask(CheckoutKind kind, int owner, long patience) {
    int request = ++requests;
    List<StatusReply<Granted>> replies = Collections.synchronizedList(new ArrayList<>());
    answers.put(request, replies);
    ActorRef<StatusReply<Granted>> asker = actor(reply -> replies.add(granted(reply))).narrow();
    askers.put(request, asker);
    Optional<ActorRef<?>> owned =
        owner == 0
            ? Optional.empty()
            : Optional.of(owners.computeIfAbsent(owner, any -> actor(told -> {})));
    tell(new Pool.Checkout(kind, owned, Duration.ofNanos(patience), asker));
  }

  @SuppressWarnings("unchecked")
  private static StatusReply<Granted> granted(Object reply) {
    return (StatusReply<Granted>) reply;
  }

  private void submit(CheckoutKind kind) {
    int request = ++requests;
    var call = Call.of("m:r", request);
    long now = time.clock().getAsLong();
    var pending =
        new PendingCall(
            "r" + request,
            call,
            Values.encodeRequest(call, "r" + request),
            now,
            now + Terms.HOUR,
            Dialogue.NONE);
    submitted.put(request, pending);
    tell(new Pool.Submit(pending, kind));
  }

  private Lease lease(int request) {
    return answers.get(request).get(0).getValue().lease();
  }

  private static int code(ScriptedConnection process) {
    return (int) (process.id().slot() * 1000 + process.id().generation());
  }

  private ScriptedConnection process(int code) {
    return connector.opened().stream().filter(one -> code(one) == code).findFirst().orElseThrow();
  }

  private void comeToRest() {
    while (true) {
      time.settle();
      buryWhoWasKilled();
      ScriptedConnection starting =
          connector.alive().stream()
              .filter(one -> !ready.contains(one))
              .min(Comparator.comparingInt(ActorSubject::code))
              .orElse(null);
      if (starting == null || startMode == 1) {
        return;
      }
      start(starting, startMode == 0 ? 0 : 1);
    }
  }

  /** The dead do not react to a kill, but their end is seen then. */
  private void buryWhoWasKilled() {
    for (ScriptedConnection one : connector.opened()) {
      if (one.kills() > 0 && unseen.remove(one)) {
        one.dieBy(9);
        time.settle();
      }
    }
  }

  private void start(ScriptedConnection process, int how) {
    switch (how) {
      case 0 -> {
        ready.add(process);
        process.ready();
      }
      case 1 -> process.exit(3);
      default ->
          process.end(
              new Connection.Closed(
                  Exit.code(1), new StartFailed(StartFailed.Kind.IMPORT, "it", ""), List.of()));
    }
  }

  // ---- looking

  @Override
  public String seen() {
    time.settle();
    var requestsSeen = new TreeMap<Integer, String>();
    answers.forEach((request, replies) -> requestsSeen.put(request, answered(replies)));
    submitted.forEach((request, call) -> requestsSeen.put(request, seen("m:r", request, call)));
    var callsSeen = new TreeMap<Integer, String>();
    for (int call = 1; call <= calls.size(); call++) {
      CompletableFuture<Reply> answer = calls.get(call - 1);
      callsSeen.put(call, answer.isDone() ? Seen.outcome(answer) : whereIs("m:c", call));
    }
    if (pool.status() == PoolStatus.STOPPED) {
      return "STOPPED\n" + requestsSeen + "\n" + callsSeen;
    }
    PoolStats stats = time.now(pool.stats());
    String status = stats.status() == PoolStatus.STARTING ? "RUNNING" : stats.status().name();
    var text = new StringBuilder(status);
    text.append(
        Seen.figures(
            stats.minWorkers(),
            stats.maxWorkers(),
            stats.ready(),
            stats.leased(),
            stats.waitingCheckouts(),
            stats.waitingCalls(),
            stats.staleMessages()));
    for (PoolStats.WorkerStats slot : stats.workers()) {
      text.append(
          Seen.slot(
                  slot.slot(),
                  slot.generation() + " " + slot.state().toUpperCase(java.util.Locale.ROOT),
                  slot.restarts(),
                  slot.checkouts(),
                  slot.cleanReturns(),
                  slot.failedReturns())
              .replace("EMPTY", "empty"));
    }
    text.append(requestsSeen).append('\n').append(callsSeen).append('\n');
    synchronized (ended) {
      return text.append(ended.stream().sorted().toList()).toString();
    }
  }

  private static String answered(List<StatusReply<Granted>> replies) {
    if (replies.isEmpty()) {
      return "waits";
    }
    StatusReply<Granted> reply = replies.get(0);
    String answer =
        reply.isSuccess()
            ? "has " + reply.getValue().lease()
            : Seen.outcome((PythonFailure) reply.getError());
    return replies.size() == 1 ? answer : answer + " and " + (replies.size() - 1) + " more";
  }

  private String seen(String target, int number, PendingCall call) {
    return call.isDone() ? Seen.outcome(call.answer()) : whereIs(target, number);
  }

  private String whereIs(String target, int number) {
    return connector.opened().stream()
        .filter(one -> one.isAlive() || unseen.contains(one))
        .filter(ScriptedConnection::isBusy)
        .filter(one -> one.request().target().equals(target))
        .filter(one -> one.request().arguments().path(0).asInt() == number)
        .map(one -> "runs on " + one.id().slot() + "." + one.id().generation())
        .findFirst()
        .orElse("waits");
  }

  @Override
  public void close() {
    connector.plays(Script.obliging());
    connector.opened().forEach(one -> one.dieBy(9));
    pool.drain(Duration.ZERO);
    time.passes(Duration.ofMillis(60));
    actors.forEach(actor -> actor.tell(END));
    time.settle();
  }
}

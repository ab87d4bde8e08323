package io.gorgon.testkit;

import io.gorgon.Checkout;
import io.gorgon.PythonPool;
import io.gorgon.RunningCall;
import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent;
import io.gorgon.pool.Granted;
import io.gorgon.pool.Pool;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.pattern.StatusReply;

/** What has happened so far in a scenario, and to whom. */
public final class Play {

  private final GorgonTestKit kit;
  private final int eventsBefore;
  private final Map<String, Happening> happenings = new LinkedHashMap<>();
  private final Map<String, CompletionStage<Checkout>> checkouts = new HashMap<>();
  private final Map<String, Mortal> owners = new HashMap<>();
  private final Map<String, List<Fault>> faults = new HashMap<>();
  private final Map<String, List<String>> inSessions = new HashMap<>();

  Play(GorgonTestKit kit) {
    this.kit = kit;
    this.eventsBefore = kit.events().all().size();
  }

  /** The kit that it is played on. */
  public GorgonTestKit kit() {
    return kit;
  }

  /** The pool's events since the scenario began. */
  public List<PoolEvent> events() {
    List<PoolEvent> all = kit.events().all();
    return all.subList(eventsBefore, all.size());
  }

  /** In an actor's turn where there is virtual time, so that nothing races with it. */
  private <T> T turn(Supplier<T> what) {
    return kit instanceof ScriptedPool scripted ? scripted.time().turn(what) : what.get();
  }

  // ---- steps

  /** Gets the faults ready that a call will meet. */
  void plan(String call, Fault fault) {
    if (happenings.containsKey(call)) {
      throw new AssertionError(
          "'" + call + "' has been sent already: name what its worker suffers before the 'then'");
    }
    faults.computeIfAbsent(call, any -> new ArrayList<>()).add(fault);
  }

  void checkSpoilt(Step.Spoil spoil) {
    if (faults.containsKey(spoil.call()) && !happenings.containsKey(spoil.call())) {
      return; // its call comes later
    }
    happening(spoil.call());
  }

  void send(CallStep step) {
    refuseTwice(step.name());
    List<Fault> planned = faults.getOrDefault(step.name(), List.of());
    if (planned.size() > 1) {
      throw new AssertionError("one fault a call: '" + step.name() + "' has " + planned);
    }
    Call call =
        planned.isEmpty()
            ? kit.faults().marked(step.call())
            : kit.faults().with(step.call(), planned.get(0));
    PythonPool pool = kit.pool();
    Optional<Checkout> on = step.checkout().map(name -> kit.get(checkout(name)));
    long sentAt = kit.nanoTime();
    RunningCall running =
        turn(
            () ->
                on.isPresent()
                    ? on.get().call(call)
                    : step.session().isPresent()
                        ? pool.session(step.session().get()).call(call)
                        : pool.call(call));
    Duration limit = call.timeout().orElse(pool.settings().callTimeout());
    step.session()
        .ifPresent(
            key -> inSessions.computeIfAbsent(key, any -> new ArrayList<>()).add(step.name()));
    happenings.put(
        step.name(), Happening.ofCall(step.name(), call, running, limit, sentAt, kit::nanoTime));
  }

  void act(ActionStep step) {
    refuseTwice(step.name());
    long sentAt = kit.nanoTime();
    CompletionStage<?> stage = turn(step.action());
    happenings.put(
        step.name(), Happening.ofStage(step.name(), stage, kit.patience(), sentAt, kit::nanoTime));
  }

  void checkOut(CheckoutStep step) {
    refuseTwice(step.name());
    Duration limit = step.timeout().orElse(kit.pool().settings().checkoutTimeout());
    Optional<ActorRef<?>> owner = step.owner().map(name -> owner(name).ref());
    if (step.manner() == CheckoutStep.Manner.HOLDS) {
      long sentAt = kit.nanoTime();
      CompletionStage<Checkout> granted =
          turn(() -> kit.pool().checkout(step.kind(), owner, limit));
      checkouts.put(step.name(), granted);
      happenings.put(
          step.name(), Happening.ofStage(step.name(), granted, limit, sentAt, kit::nanoTime));
      return;
    }
    Mortal asker = kit.mortal();
    ActorRef<StatusReply<Granted>> replyTo =
        step.manner() == CheckoutStep.Manner.DIES
            ? asker.ref().<Object>unsafeUpcast().narrow()
            : kit.actor(granted -> {});
    turn(
        () -> {
          kit.pool().ref().tell(new Pool.Checkout(step.kind(), owner, limit, replyTo));
          return replyTo;
        });
    if (step.manner() == CheckoutStep.Manner.DIES) {
      asker.dies();
    }
  }

  private void refuseTwice(String name) {
    if (happenings.containsKey(name)) {
      throw new AssertionError("there is a '" + name + "' already: name this one by as(...)");
    }
  }

  Mortal owner(String name) {
    return owners.computeIfAbsent(name, any -> kit.mortal());
  }

  private CompletionStage<Checkout> checkout(String name) {
    CompletionStage<Checkout> granted = checkouts.get(name);
    if (granted == null) {
      throw new AssertionError("no checkout '" + name + "' that is held; there are " + checkouts);
    }
    return granted;
  }

  void giveBack(String name) {
    kit.get(checkout(name)).close();
    kit.settle();
  }

  void endSession(String key) {
    kit.get(turn(() -> kit.pool().session(key).end()));
  }

  void cancel(String name) {
    RunningCall running =
        happening(name)
            .running()
            .orElseThrow(() -> new AssertionError("'" + name + "' is no call"));
    turn(running::cancel);
  }

  void kill(int slot) {
    if (kit instanceof RealPool real) {
      long pid = real.pid(slot);
      ProcessHandle.of(pid)
          .orElseThrow(() -> new AssertionError("slot " + slot + " has no process"))
          .destroyForcibly();
    } else if (kit instanceof ScriptedPool scripted) {
      scripted.worker(slot).dieBy(9);
      scripted.settle();
    }
  }

  // ---- what came of it

  /** The call or checkout of that name. */
  Happening happening(String name) {
    Happening found = happenings.get(name);
    if (found == null) {
      throw new AssertionError("there is no '" + name + "'; there are " + happenings.keySet());
    }
    return found;
  }

  /** The same, when it has its outcome. */
  Happening ended(String name) {
    Happening found = happening(name);
    kit.settle();
    Duration left = Duration.ofNanos(Math.max(0, found.due() - kit.nanoTime()));
    // A little longer than it may take, to tell the late from the lost.
    if (!kit.await(found::isDone, left.plus(Duration.ofSeconds(2)))) {
      throw new AssertionError(
          "'" + name + "' has no outcome, 2 s after its deadline and the 250 ms of grace");
    }
    return found;
  }

  /** Waits for the outcomes of all calls of a session. */
  void endedOf(String session) {
    inSessions.getOrDefault(session, List.of()).forEach(this::ended);
  }

  List<Happening> all() {
    return List.copyOf(happenings.values());
  }
}

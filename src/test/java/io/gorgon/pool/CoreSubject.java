package io.gorgon.pool;

import io.gorgon.message.Call;
import io.gorgon.message.Payload;
import io.gorgon.worker.Dialogue;
import io.gorgon.worker.PendingCall;
import io.gorgon.worker.Runner;
import io.gorgon.worker.Worker.Fault;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * The pure core, {@link PoolState}, with the real {@link Lane} and real runners, in one thread:
 * this does what {@link Pool} and its worker actors do around them.
 */
final class CoreSubject extends CoreActor implements Subject {

  /** What decides: the core, or one that was spoilt on purpose. */
  interface Core {
    List<PoolEffect> on(PoolInput input, long time);
  }

  private final List<PendingCall> calls = new ArrayList<>();
  private final int[] owners = {0, 1, 2};
  private int ownersSeen = 2;
  private int startMode;

  CoreSubject(boolean lazy, Function<PoolState, Core> spoilt) {
    super(lazy, spoilt);
    feed(new PoolInput.Began());
    comeToRest();
  }

  CoreSubject(boolean lazy) {
    this(lazy, state -> state::on);
  }

  // ---- steps

  @Override
  public void apply(Step step) {
    ended.clear();
    int who = step.who();
    int how = step.how();
    switch (step.what()) {
      case ASK -> ask(Terms.kindOfCheckout(how), owners[who], Terms.patience(how), null);
      case SUBMIT -> {
        PendingCall call = newCall();
        submitted.put(requests.size() + 1, call);
        call.roam();
        ask(Terms.kindOfCall(how), 0, Terms.HOUR, call);
      }
      case CALL -> {
        PendingCall call = newCall();
        calls.add(call);
        lane.offer(call);
      }
      case ACKNOWLEDGE -> feed(new PoolInput.Acknowledged(leases.get(who)));
      case RENEW -> feed(new PoolInput.Renewed(leases.get(who)));
      case USE -> {
        Runner runner = runnerOf(leases.get(who));
        if (runner != null) {
          runner.startLeased(leases.get(who), newCall());
        }
      }
      case RETURN -> giveBack(leases.get(who), how);
      case CANCEL -> {
        if (submitted.containsKey(who)) {
          submitted.get(who).cancel("told to");
        }
        feed(new PoolInput.Withdrawn(who));
      }
      case OWNER_DIES -> {
        if (who > 0) {
          feed(new PoolInput.OwnerDied(owners[who]));
          owners[who] = ++ownersSeen;
        }
      }
      case ANSWER -> hand(who).process.answer();
      case EXIT -> dies(hand(who), Fault.WORKER, null);
      case DIES -> hand(who).process.shut();
      case START -> start(hand(who), how);
      case MODE -> startMode = how;
      case TIME -> {
        for (int tick = 0; tick < how; tick++) {
          tick();
          comeToRest();
        }
      }
      case RESIZE -> feed(new PoolInput.Resized(Terms.min(how), Terms.max(how)));
      case RESET -> feed(new PoolInput.ResetWanted());
      case DRAIN -> feed(new PoolInput.DrainWanted(now + Terms.drainTime(how)));
      case END_SESSION -> feed(new PoolInput.SessionEnded(Terms.session(who)));
    }
    comeToRest();
  }

  private void ask(CheckoutKind kind, int owner, long patience, PendingCall call) {
    int request = requests.size() + 1;
    requests.put(request, "waits");
    feed(new PoolInput.Asked(request, kind, owner, now + patience, call != null));
  }

  private PendingCall newCall() {
    return new PendingCall(
        "", Call.of("m:f"), Payload.plain(new byte[] {'1'}), now, now + Terms.HOUR, Dialogue.NONE);
  }

  private void tick() {
    now += Terms.TICK;
    feed(new PoolInput.Ticked());
    lane.expire(now);
    lane.waitingSince().ifPresent(since -> feed(new PoolInput.Pressed(since)));
  }

  private void comeToRest() {
    while (true) {
      Hand speaker =
          hands.values().stream().filter(hand -> !hand.news.isEmpty()).findFirst().orElse(null);
      Hand starting =
          hands.values().stream()
              .filter(hand -> hand.starting)
              .min(Comparator.comparingInt(Hand::code))
              .orElse(null);
      if (!mail.isEmpty()) {
        feed(mail.removeFirst());
      } else if (speaker != null) {
        speaker.news.removeFirst().run();
      } else if (starting != null && startMode != 1) {
        start(starting, startMode == 0 ? 0 : 1);
      } else {
        return;
      }
    }
  }

  // ---- looking

  @Override
  public String seen() {
    var requestsSeen = new TreeMap<>(requests);
    submitted.forEach(
        (request, call) -> {
          if (requests.get(request).startsWith("runs") && call.isDone()) {
            requestsSeen.put(request, Seen.outcome(call.answer()));
          }
        });
    var callsSeen = new TreeMap<Integer, String>();
    for (int i = 0; i < calls.size(); i++) {
      PendingCall call = calls.get(i);
      callsSeen.put(i + 1, call.isDone() ? Seen.outcome(call.answer()) : whereIs(call));
    }
    if (finished) {
      return "STOPPED\n" + requestsSeen + "\n" + callsSeen;
    }
    var text = new StringBuilder();
    text.append(state.isDraining() ? "DRAINING" : state.isCircuitOpen() ? "BROKEN" : "RUNNING");
    int ready = 0;
    int leased = 0;
    for (Slot slot : state.slots()) {
      for (Slot.Member member : slot.members()) {
        ready += member.phase.isServing() ? 1 : 0;
        leased += member.phase == Slot.Phase.LEASED ? 1 : 0;
      }
    }
    text.append(
        Seen.figures(
            state.min(),
            state.max(),
            ready,
            leased,
            state.line().size(),
            lane.waiting(),
            state.staleMessages()));
    for (Slot slot : state.slots()) {
      Slot.Member member = slot.current;
      text.append(
          Seen.slot(
              slot.number,
              member == null ? "0 empty" : member.generation + " " + member.phase,
              slot.restarts,
              slot.checkouts,
              slot.cleanReturns,
              slot.failedReturns));
    }
    text.append(requestsSeen).append('\n').append(callsSeen).append('\n');
    return text.append(ended.stream().sorted().toList()).toString();
  }

  private String whereIs(PendingCall call) {
    return hands.values().stream()
        .filter(hand -> hand.process != null && hand.process.has(call))
        .map(hand -> "runs on " + hand.slot + "." + hand.generation)
        .findFirst()
        .orElse("waits");
  }

  @Override
  public void close() {
    // Nothing runs by itself.
  }
}

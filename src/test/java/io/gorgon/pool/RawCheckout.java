package io.gorgon.pool;

import io.gorgon.message.PythonFailure;
import io.gorgon.testkit.ScriptedPool;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.pattern.StatusReply;

/** A checkout by the pool's bare protocol: nobody acknowledges it unless the test does. */
final class RawCheckout {

  private static final Duration TEN_SECONDS = Duration.ofSeconds(10);

  private final ScriptedPool tested;
  private final List<StatusReply<Granted>> answers = new CopyOnWriteArrayList<>();
  private final ActorRef<StatusReply<Granted>> replyTo;

  private RawCheckout(ScriptedPool tested) {
    this.tested = tested;
    this.replyTo = tested.actor(answers::add);
  }

  /** Not sent yet. */
  static RawCheckout of(ScriptedPool tested) {
    return new RawCheckout(tested);
  }

  static RawCheckout sent(ScriptedPool tested) {
    return of(tested).send(TEN_SECONDS);
  }

  static RawCheckout sent(ScriptedPool tested, Duration timeout) {
    return of(tested).send(timeout);
  }

  static RawCheckout sentFor(ScriptedPool tested, ActorRef<?> owner) {
    var checkout = new RawCheckout(tested);
    tested.tell(
        new Pool.Checkout(
            CheckoutKind.anonymous(), Optional.of(owner), TEN_SECONDS, checkout.replyTo));
    return checkout;
  }

  RawCheckout send(Duration timeout) {
    tested.tell(new Pool.Checkout(CheckoutKind.anonymous(), Optional.empty(), timeout, replyTo));
    return this;
  }

  ActorRef<StatusReply<Granted>> replyTo() {
    return replyTo;
  }

  RawCheckout acknowledge() {
    tested.tell(new Pool.Acknowledge(granted().lease()));
    return this;
  }

  boolean isAnswered() {
    tested.time().settle();
    return !answers.isEmpty();
  }

  int answers() {
    tested.time().settle();
    return answers.size();
  }

  Granted granted() {
    if (!isAnswered()) {
      throw new AssertionError("no answer, and nothing moves any more");
    }
    return answers.get(answers.size() - 1).getValue();
  }

  PythonFailure failure() {
    if (!isAnswered()) {
      throw new AssertionError("no answer, and nothing moves any more");
    }
    return (PythonFailure) answers.get(answers.size() - 1).getError();
  }

  PythonFailure.CheckoutRefused.Reason refusal() {
    return ((PythonFailure.CheckoutRefused) failure()).reason();
  }
}

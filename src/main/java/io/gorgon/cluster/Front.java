package io.gorgon.cluster;

import io.gorgon.message.PythonFailure.CheckoutRefused;
import io.gorgon.pool.AskedCall;
import io.gorgon.pool.Entrance;
import io.gorgon.pool.Pool;
import java.util.concurrent.Executor;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.DispatcherSelector;
import org.apache.pekko.actor.typed.javadsl.AbstractBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.Receive;
import org.apache.pekko.pattern.StatusReply;

/** Answers in the protocol of a pool's actor for a pool that is spread over many nodes. */
final class Front extends AbstractBehavior<Pool.Command> {

  static Behavior<Pool.Command> create(Entrance entrance) {
    return Behaviors.setup(context -> new Front(context, entrance));
  }

  private final Entrance entrance;
  private final Executor tools;

  private Front(ActorContext<Pool.Command> context, Entrance entrance) {
    super(context);
    this.entrance = entrance;
    this.tools =
        context
            .getSystem()
            .dispatchers()
            .lookup(DispatcherSelector.fromConfig("gorgon.tool-dispatcher"));
  }

  @Override
  public Receive<Pool.Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Pool.Execute.class, this::onExecute)
        .onMessage(Pool.Checkout.class, this::onCheckout)
        .build();
  }

  private Behavior<Pool.Command> onExecute(Pool.Execute execute) {
    AskedCall.of(entrance, execute.call(), execute.replyTo(), tools).ifPresent(entrance::offer);
    return this;
  }

  private Behavior<Pool.Command> onCheckout(Pool.Checkout checkout) {
    checkout
        .replyTo()
        .tell(
            StatusReply.error(
                new CheckoutRefused(
                    entrance.settings().name(),
                    CheckoutRefused.Reason.INVALID_KIND,
                    "a lease does not cross nodes")));
    return this;
  }
}

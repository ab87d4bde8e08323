package io.gorgon.testkit;

import io.gorgon.message.PoolEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** What the pool tells of itself, from the beginning of the scenario on. */
public final class EventsPhrase {

  EventsPhrase() {}

  /** There is one of that type, or there will be one soon. */
  public Check contain(Class<? extends PoolEvent> type) {
    return inOrder(List.of(type));
  }

  /** There is one of that type that fits, or there will be one soon. */
  public <E extends PoolEvent> Check contain(Class<E> type, Predicate<? super E> fits) {
    return new Soon(
        "contain a " + type.getSimpleName() + " that fits",
        events ->
            events.stream()
                .anyMatch(event -> type.isInstance(event) && fits.test(type.cast(event))));
  }

  /** These come one after another; what is between them does not matter. */
  @SafeVarargs
  public final Check containInOrder(Class<? extends PoolEvent>... types) {
    List<Class<? extends PoolEvent>> all = new ArrayList<>();
    for (Class<? extends PoolEvent> type : types) {
      all.add(type);
    }
    return inOrder(all);
  }

  private static Check inOrder(List<Class<? extends PoolEvent>> types) {
    return new Soon(
        "contain "
            + types.stream().map(Class::getSimpleName).collect(Collectors.joining(", then ")),
        events -> {
          int found = 0;
          for (PoolEvent event : events) {
            if (found < types.size() && types.get(found).isInstance(event)) {
              found++;
            }
          }
          return found == types.size();
        });
  }

  /** There is none of that type, so far. */
  public Check containNo(Class<? extends PoolEvent> type) {
    return new None(type);
  }

  private record Soon(String text, Predicate<List<PoolEvent>> so) implements Check {
    @Override
    public void hold(Play play) {
      if (!play.kit().await(() -> so.test(play.events()), play.kit().patience())) {
        throw new AssertionError("the events do not " + text);
      }
    }

    @Override
    public String toString() {
      return "the events " + text;
    }
  }

  private record None(Class<? extends PoolEvent> type) implements Check {
    @Override
    public void hold(Play play) {
      for (PoolEvent event : play.events()) {
        if (type.isInstance(event)) {
          throw new AssertionError("the events contain " + event);
        }
      }
    }

    @Override
    public String toString() {
      return "the events contain no " + type.getSimpleName();
    }
  }
}

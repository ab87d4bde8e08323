package io.gorgon.testkit;

import io.gorgon.PythonPool;
import java.lang.reflect.AnnotatedElement;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.pekko.actor.typed.ActorSystem;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolutionException;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.platform.commons.support.AnnotationSupport;

/**
 * The JUnit 5 extension behind {@link ScriptedPython} and {@link RealPython}. Constructors, tests
 * and the methods around them may have parameters of these types: {@link GorgonTestKit}, {@link
 * ScriptedPool} or {@link RealPool}, {@link PythonPool}, {@link ActorSystem}, {@link EventProbe},
 * {@link StatsProbe}, {@link FaultPlan}, {@link FaultyStore}, {@link FakeLanguageModel}, {@link
 * VirtualTime} (scripted), {@link Scenario} (a new one).
 */
public final class GorgonExtension
    implements BeforeAllCallback,
        AfterAllCallback,
        BeforeEachCallback,
        AfterEachCallback,
        ParameterResolver {

  private static final Namespace SPACE = Namespace.create(GorgonExtension.class);

  private static final Map<Class<?>, Function<GorgonTestKit, Object>> PARTS =
      Map.ofEntries(
          entry(GorgonTestKit.class, kit -> kit),
          entry(ScriptedPool.class, kit -> kit),
          entry(RealPool.class, kit -> kit),
          entry(PythonPool.class, GorgonTestKit::pool),
          entry(ActorSystem.class, GorgonTestKit::system),
          entry(EventProbe.class, GorgonTestKit::events),
          entry(StatsProbe.class, GorgonTestKit::figures),
          entry(FaultPlan.class, GorgonTestKit::faults),
          entry(FaultyStore.class, GorgonTestKit::store),
          entry(FakeLanguageModel.class, GorgonTestKit::languageModel),
          entry(Scenario.class, GorgonTestKit::scenario),
          entry(VirtualTime.class, GorgonExtension::timeOf));

  private static Map.Entry<Class<?>, Function<GorgonTestKit, Object>> entry(
      Class<?> type, Function<GorgonTestKit, Object> part) {
    return Map.entry(type, part);
  }

  private static Object timeOf(GorgonTestKit kit) {
    if (kit instanceof ScriptedPool scripted) {
      return scripted.time();
    }
    throw new ParameterResolutionException("there is no virtual time with real Python");
  }

  @Override
  public void beforeAll(ExtensionContext context) {
    context.getTestClass().flatMap(GorgonExtension::wanted).ifPresent(kit -> put(context, kit));
  }

  @Override
  public void beforeEach(ExtensionContext context) {
    context.getTestMethod().flatMap(GorgonExtension::wanted).ifPresent(kit -> put(context, kit));
  }

  /** How the kit is made that an element asks for. */
  private static Optional<Supplier<GorgonTestKit>> wanted(AnnotatedElement element) {
    Optional<Supplier<GorgonTestKit>> scripted =
        AnnotationSupport.findAnnotation(element, ScriptedPython.class)
            .map(
                asked ->
                    () ->
                        asked.seed() == 0
                            ? GorgonTestKit.scripted(asked.config())
                            : GorgonTestKit.scripted(asked.seed(), asked.config()));
    return scripted.or(
        () ->
            AnnotationSupport.findAnnotation(element, RealPython.class)
                .map(asked -> () -> GorgonTestKit.real(asked.config())));
  }

  private static void put(ExtensionContext context, Supplier<GorgonTestKit> kit) {
    context.getStore(SPACE).put(context.getUniqueId(), kit.get());
  }

  @Override
  public void afterEach(ExtensionContext context) {
    close(context);
  }

  @Override
  public void afterAll(ExtensionContext context) {
    close(context);
  }

  /** Closes what was made for this class or test, and not what is of those around it. */
  private static void close(ExtensionContext context) {
    GorgonTestKit kit = context.getStore(SPACE).remove(context.getUniqueId(), GorgonTestKit.class);
    if (kit != null) {
      kit.close();
    }
  }

  private static Optional<GorgonTestKit> kit(ExtensionContext context) {
    for (Optional<ExtensionContext> at = Optional.of(context);
        at.isPresent();
        at = at.get().getParent()) {
      GorgonTestKit kit = at.get().getStore(SPACE).get(at.get().getUniqueId(), GorgonTestKit.class);
      if (kit != null) {
        return Optional.of(kit);
      }
    }
    return Optional.empty();
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return PARTS.containsKey(parameter.getParameter().getType());
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    Class<?> type = parameter.getParameter().getType();
    GorgonTestKit kit =
        kit(context)
            .orElseThrow(
                () ->
                    new ParameterResolutionException(
                        "no kit for "
                            + type.getSimpleName()
                            + ": annotate the class or the test with @ScriptedPython or"
                            + " @RealPython"));
    Function<GorgonTestKit, Object> part = PARTS.get(type);
    Object value = part == null ? null : part.apply(kit);
    if (!type.isInstance(value)) {
      throw new ParameterResolutionException(
          "the kit here is a " + kit.getClass().getSimpleName() + ", no " + type.getSimpleName());
    }
    return value;
  }
}

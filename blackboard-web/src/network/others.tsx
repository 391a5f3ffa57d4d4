/** Parameters that belong to no layer: those of a loss of one's own, as they are. */
import { Heat } from "../panels/heat";
import { useStore } from "../store";
import { others } from "./layers";
import { liveOf } from "./live";

const PREFIX = { weights: "p:", evidence: "p:", gradient: "g:", change: "d:" } as const;

export function Others() {
  const store = useStore();
  const setup = store.setup.value!;
  const parameters = others(setup, liveOf(store).layers.value);
  const arrays = store.frame.value?.arrays;
  if (!parameters.length || !arrays) return null;
  return (
    <div class="cb-others">
      {parameters.map(({ name, shape }) => {
        const data = arrays[PREFIX[store.view.value] + name]?.data;
        return (
          <div key={name}>
            <h3 class="cb-head__what">
              {name} {shape.length > 0 && `(${shape.join(" × ")})`}
            </h3>
            {data && <Heat name={name} data={data} shape={shape} image={setup.data.image} width={220} height={160} cell={22} />}
          </div>
        );
      })}
    </div>
  );
}

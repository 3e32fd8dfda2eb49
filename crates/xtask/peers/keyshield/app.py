"""keyshield as its README sets it up for FastAPI: `python app.py` makes a key, uvicorn serves.

Both routes run the same code for the same body. The table is made once and not on each request. With
`BENCH_CACHE=on` the service is the one with a cache.
"""

import asyncio
import os
from contextlib import asynccontextmanager
from typing import AsyncIterator

import aiocache
from fastapi import Depends, FastAPI
from keyshield import ApiKeyService
from keyshield.api import create_depends_api_key
from keyshield.hasher.argon2 import Argon2ApiKeyHasher
from keyshield.repositories.sql import SqlAlchemyApiKeyRepository
from keyshield.services.cached import CachedApiKeyService
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

# Requests wait for each other's writes, for as long as it takes.
engine = create_async_engine(
    "sqlite+aiosqlite:///" + os.environ["BENCH_DATABASE"], connect_args={"timeout": 60}
)
sessions = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
hasher = Argon2ApiKeyHasher(pepper="of a measurement, and long enough")
cache = aiocache.SimpleMemoryCache()
body = {}


async def session() -> AsyncIterator[AsyncSession]:
    async with sessions() as session, session.begin():
        yield session


async def service(session: AsyncSession = Depends(session)) -> ApiKeyService:
    repo = SqlAlchemyApiKeyRepository(session)
    if os.environ["BENCH_CACHE"] == "on":
        return CachedApiKeyService(repo=repo, hasher=hasher, cache=cache)
    return ApiKeyService(repo=repo, hasher=hasher)


@asynccontextmanager
async def lifespan(_):
    async with sessions() as session:
        [key] = await SqlAlchemyApiKeyRepository(session).list()
        body.update(name=key.name, prefix=key.key_id, scopes=list(key.scopes))
    yield


app = FastAPI(lifespan=lifespan)


@app.get("/public")
async def public():
    return dict(body)


@app.get("/protected", dependencies=[Depends(create_depends_api_key(service))])
async def protected():
    return dict(body)


async def create():
    async with sessions() as session, session.begin():
        repo = SqlAlchemyApiKeyRepository(session)
        await repo.ensure_table(async_engine=engine)
        _, key = await ApiKeyService(repo=repo, hasher=hasher).create(name="measured")
        print(key)
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(create())
